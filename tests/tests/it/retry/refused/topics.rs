//! Not authorised, too large, or not there.

use std::sync::Arc;

use kafka_integration::embedded::{ApiKey, ErrorCode, FaultBuilder};
use kafka_integration::prelude::*;
use kafka_integration_tests::{Running, TestBroker, delete_topic, eventually};

use super::super::notes::{
    Notes, alter_topic, committed, create_topic, dead_letters, logged, quick, retries, trail,
};
use super::{Scenario, embedded, first_retry_topic, refused};
use crate::support::Random;

/// The flaky one has come by its retry topic.
async fn is_handled(scenario: Arc<Scenario>) {
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
}

/// The dead one is in the dead-letter topic.
async fn is_dead(scenario: Arc<Scenario>) {
    let letters = logged(&scenario.address, &scenario.target, 1).await;
    let trail = trail(&letters[0]);
    assert_eq!((&*trail.reason, trail.attempts), ("terminal", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_topic_that_is_not_authorised() {
    let fault = |on: FaultBuilder| {
        on.error(ErrorCode::TopicAuthorizationFailed)
            .expect("a fault")
    };
    refused("flaky", first_retry_topic, fault, is_handled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_topic_that_is_not_authorised() {
    let fault = |on: FaultBuilder| {
        on.error(ErrorCode::TopicAuthorizationFailed)
            .expect("a fault")
    };
    refused("dead", dead_letters, fault, is_dead).await;
}

/// On its way from a retry topic, too, a message is not finished before it has
/// arrived.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_retry_topic_that_is_refused_stays_there() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), dead_letters).await;
    let notes = Notes::default();
    let probe = notes.probe(&scenario.topic, |_| Err(ConsumeError::new("never")));
    let consumer = ConsumerSpec::new("Refused", &scenario.group)
        .topic(probe)
        .retry(quick(1));
    let on = broker.faults().on(ApiKey::Produce).topic(&scenario.target);
    let fault = on.error(ErrorCode::TopicAuthorizationFailed);
    let fault = fault.expect("a fault");
    let running = Running::start(&scenario.kafka, [consumer]);
    scenario.send(0, "hopeless").await;
    let stopped = || {
        let consumers = running.status.consumers();
        consumers
            .into_iter()
            .flat_map(|status| status.stopped)
            .next()
    };
    eventually("a message that stays", || stopped().is_some()).await;
    let retry_topic = retries(&scenario.group, &scenario.topic, 1);
    let message = stopped().expect("it stays");
    assert_eq!(message.topic, retry_topic);
    assert_eq!(message.target, scenario.target);
    eventually("word of it", || {
        scenario.told.of(&scenario.target).is_some()
    })
    .await;
    let group = format!("{}.retry", scenario.group);
    assert_eq!(committed(&scenario.address, &group, &retry_topic, 0), 0);
    fault.lift();
    let letters = logged(&scenario.address, &scenario.target, 1).await;
    assert_eq!(trail(&letters[0]).attempts, 2);
    eventually("its commit", || {
        committed(&scenario.address, &group, &retry_topic, 0) == 1
    })
    .await;
    running.stop().await;
    assert_eq!(notes.attempts("hopeless"), [1, 2]);
    broker.stop().await;
}

/// The retry topic takes less than the topic itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_for_its_retry_topic() {
    for broker in TestBroker::each("a_message_that_is_too_large_for_its_retry_topic") {
        let scenario = Scenario::new(broker.address(), first_retry_topic).await;
        let small = [("max.message.bytes", "10000")];
        create_topic(broker.address(), &scenario.target, 2, &small).await;
        let running = scenario.start();
        // Of which no compression makes less than the topic takes.
        let mut random = Random::new();
        let noise: String = (0..100_000)
            .map(|_| char::from(b'A' + random.below(26) as u8))
            .collect();
        let large = format!("flaky {noise}");
        scenario.send(0, &large).await;
        scenario.stands(&running).await;
        alter_topic(
            broker.address(),
            &scenario.target,
            "max.message.bytes",
            "1000000",
        )
        .await;
        eventually("it again", || scenario.notes.attempts(&large) == [1, 2]).await;
        scenario.flows(running, 21).await;
    }
}

/// Deleted while the consumer runs, and not to be made again.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_topic_that_was_deleted() {
    let broker = embedded().await;
    let address = broker.bootstrap_servers();
    let mut scenario = Scenario::new(&address, first_retry_topic).await;
    let mut settings = scenario.kafka.settings().clone();
    settings.cluster.create_retry_topics = false;
    let builder = Kafka::builder().settings(settings);
    let kafka = builder.error_handler("told", scenario.told.clone()).build();
    scenario.kafka = kafka.expect("the settings are good");
    create_topic(&address, &scenario.target, 2, &[]).await;
    let running = scenario.start();
    // It has been used, and is known to be there.
    scenario.send(1, "flaky first").await;
    eventually("the first one again", || {
        scenario.notes.attempts("flaky first") == [1, 2]
    })
    .await;
    delete_topic(&address, &scenario.target).await;
    scenario.send(0, "flaky").await;
    let stopped = || running.status.consumers()[0].stopped.clone();
    eventually("a lane that stands", || !stopped().is_empty()).await;
    assert_eq!(stopped()[0].target, scenario.target);
    assert_eq!(scenario.committed(0), 0, "it is not finished");
    create_topic(&address, &scenario.target, 2, &[]).await;
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
    eventually("its commit", || scenario.committed(0) == 1).await;
    running.stop().await;
    broker.stop().await;
}
