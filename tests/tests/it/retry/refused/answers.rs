//! The broker's answer does not come.

use std::sync::Arc;
use std::time::Duration;

use kafka_integration::embedded::{ApiKey, FaultBuilder};
use kafka_integration::prelude::*;
use kafka_integration_tests::{Probe, Running, eventually};

use super::super::notes::{logged, quick};
use super::{Scenario, embedded, first_retry_topic, refused};
use crate::support::{KillableBroker, heavy};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_answer() {
    let fault = |on: FaultBuilder| on.silence().expect("a fault");
    refused(
        "flaky",
        first_retry_topic,
        fault,
        async |scenario: Arc<Scenario>| {
            // It may have come in twice, but it has come.
            eventually("it again", || scenario.notes.attempts("flaky").contains(&2)).await;
        },
    )
    .await;
}

/// The end does not wait for an answer that does not come, and takes nothing
/// for done.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_broker_does_not_answer() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), first_retry_topic).await;
    let running = scenario.start();
    let on = broker.faults().on(ApiKey::Produce);
    let fault = on.topic(&scenario.target).silence().expect("a fault");
    scenario.send(0, "flaky").await;
    let struck = tokio::time::timeout(PATIENCE, fault.hit(1)).await;
    struck.expect("the fault strikes in time");
    running.stop().await;
    assert_eq!(scenario.committed(0), 0, "it is not finished");
    fault.lift();

    let running = scenario.start();
    eventually("both attempts of a new start", || {
        scenario.notes.attempts("flaky").ends_with(&[1, 2])
    })
    .await;
    eventually("its commit", || scenario.committed(0) == 1).await;
    running.stop().await;
    broker.stop().await;
}

/// Answers that are lost a few times stop nothing, and double nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_does_not_double_the_message() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), first_retry_topic).await;
    let running = scenario.start();
    let on = broker.faults().on(ApiKey::Produce).topic(&scenario.target);
    let lost = on.times(2).lose_answer().expect("a fault");
    scenario.send(0, "flaky").await;
    let struck = tokio::time::timeout(PATIENCE, lost.hit(2)).await;
    struck.expect("the fault strikes in time");
    for number in 0..20 {
        scenario.send(0, &format!("behind {number}")).await;
    }
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
    logged(&scenario.address, &scenario.target, 1).await;
    scenario.flows(running, 21).await;
    broker.stop().await;
}

/// Killed between the failure and the acknowledgement.
#[test]
fn a_broker_that_is_killed() {
    let test = "a_broker_that_is_killed";
    let _alone = heavy();
    for start in KillableBroker::each(test) {
        let broker = start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async { tokio::spawn(is_killed(broker)).await.expect("it holds") });
    }
}

async fn is_killed(mut broker: KillableBroker) {
    let scenario = Scenario::new(broker.address(), first_retry_topic).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let probe = {
        let (gate, notes) = (Arc::clone(&gate), scenario.notes.clone());
        let noting = Arc::new(notes.probe(&scenario.topic, |seen| match seen.attempt {
            1 => Err(ConsumeError::new("as asked")),
            _ => Ok(()),
        }));
        Probe::new(&scenario.topic, move |message, cx| {
            let (gate, noting) = (Arc::clone(&gate), Arc::clone(&noting));
            async move {
                if cx.attempt() == 1 {
                    gate.acquire().await?.forget();
                }
                noting.call(message, &cx).await
            }
        })
    };
    let consumer = ConsumerSpec::new("Killed", &scenario.group)
        .topic(probe)
        .config("reconnect.backoff.max.ms", "200")
        .retry(quick(3));
    let running = Running::start(&scenario.kafka, [consumer]);
    scenario.send(0, "flaky").await;
    eventually("the handler at work", || {
        running.status.consumers()[0].in_flight == 1
    })
    .await;
    broker.kill();
    gate.add_permits(100);
    eventually("a message that stays", || {
        !running.status.consumers()[0].stopped.is_empty()
    })
    .await;
    broker.restart();
    eventually("it again", || scenario.notes.attempts("flaky").contains(&2)).await;
    eventually("its commit", || scenario.committed(0) == 1).await;
    running.stop().await;
}
