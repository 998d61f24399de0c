//! A message waits for its retry in its lane, and its partition goes meanwhile.

use std::time::Duration;

use kafka_integration::embedded::{ApiKey, EmbeddedBroker, ErrorCode};
use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Running, create_topic, delete_topic, eventually, unique};

use super::notes::{Notes, committed, send, text, topics};

/// Long enough for the partition to go before the retry is due.
const DELAY: Duration = Duration::from_secs(4);

async fn broker() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder()
        // A topic that was deleted stays so until it is made anew.
        .auto_create_topics(false)
        .min_session_timeout(Duration::from_secs(1))
        .consumer_heartbeat_interval(Duration::from_millis(300))
        .start();
    broker.await.expect("the embedded broker starts")
}

fn handle(address: &str) -> Kafka {
    let mut settings = Settings::with_bootstrap_servers(address);
    settings.cluster.producer_config.set("linger.ms", "0");
    let builder = Kafka::builder().settings(settings);
    builder.build().expect("the settings are good")
}

/// A consumer whose message "bad" fails the first time.
fn consumer(notes: &Notes, group: &str, topic: &str) -> ConsumerSpec {
    let earlier = notes.clone();
    // By the time of the call, this one is noted.
    let probe = notes.probe(topic, move |seen| {
        match seen.text() == "bad" && earlier.count("bad") == 1 {
            true => Err(ConsumeError::new("as asked")),
            false => Ok(()),
        }
    });
    ConsumerSpec::new("Lost", group)
        .topic(probe)
        .ordering(Ordering::Partition)
        .config("auto.offset.reset", "earliest")
        .retry(RetryPolicy {
            delay: DELAY,
            max_delay: DELAY,
            jitter: 0.0,
            ..RetryPolicy::default()
        })
}

/// The member is thrown out of its group: it gets its partition back, and goes
/// on with what waited and what came behind it.
async fn thrown_out(heartbeat: ApiKey, config: &[(&str, &str)]) {
    let broker = broker().await;
    let address = broker.bootstrap_servers();
    let (kafka, notes) = (handle(&address), Notes::default());
    let (topic, group) = (unique("thrown"), unique("thrown"));
    create_topic(&address, &topic, 1).await;
    send(&kafka, &topic, text(0, "bad", "bad")).await;
    let mut consumer = consumer(&notes, &group, &topic);
    for (name, value) in config {
        consumer = consumer.config(*name, *value);
    }
    let running = Running::start(&kafka, [consumer]);
    let failed = || running.status.consumers()[0].failed;
    eventually("the failure", || failed() == 1).await;
    let on = broker.faults().on(heartbeat).group(&group).times(1);
    let fault = on.error(ErrorCode::UnknownMemberId).expect("a fault");
    eventually("a heartbeat that is refused", || fault.hits() == 1).await;

    send(&kafka, &topic, text(0, "other", "after")).await;
    eventually("it again", || notes.count("bad") > 1).await;
    eventually("what came behind", || notes.count("after") > 0).await;
    let done = || committed(&address, &group, &topic, 0);
    eventually("the commit of both", || done() == 2).await;
    assert_eq!(running.status.consumers()[0].restarts, 0);
    running.stop().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_thrown_out_goes_on_with_eager_rebalances() {
    let config = [
        ("partition.assignment.strategy", "range"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "300"),
    ];
    thrown_out(ApiKey::Heartbeat, &config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_thrown_out_goes_on_with_cooperative_rebalances() {
    let config = [
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "300"),
    ];
    thrown_out(ApiKey::Heartbeat, &config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_thrown_out_goes_on_with_the_consumer_protocol() {
    let config = [("group.protocol", "consumer")];
    thrown_out(ApiKey::ConsumerGroupHeartbeat, &config).await;
}

/// The topic is deleted and made anew: what waits is of the old one, and does not
/// hold up the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_does_not_wait_for_the_old_one() {
    let broker = broker().await;
    let address = broker.bootstrap_servers();
    let (kafka, notes) = (handle(&address), Notes::default());
    let (topic, group) = (unique("anew"), unique("anew"));
    create_topic(&address, &topic, 1).await;
    for number in 0..20 {
        send(&kafka, &topic, text(0, "a", &format!("old {number}"))).await;
    }
    send(&kafka, &topic, text(0, "a", "bad")).await;
    let running = Running::start(&kafka, [consumer(&notes, &group, &topic)]);
    let failed = || running.status.consumers()[0].failed;
    eventually("the failure", || failed() == 1).await;
    delete_topic(&address, &topic).await;
    eventually("its end", || !topics(&address).contains(&topic)).await;
    create_topic(&address, &topic, 1).await;
    // Its producer knows nothing of the old topic.
    let kafka = handle(&address);
    for number in 0..5 {
        send(&kafka, &topic, text(0, "a", &format!("new {number}"))).await;
    }
    let handled = |number| notes.count(&format!("new {number}")) > 0;
    eventually("the new messages", || (0..5).all(handled)).await;
    running.stop().await;
    broker.stop().await;
}
