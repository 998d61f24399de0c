use std::time::{Duration, Instant};

use kafka_integration_broker::{ApiKey, EmbeddedBroker, EmbeddedBrokerBuilder, ErrorCode};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use tracing::instrument::WithSubscriber;

use super::*;
use crate::admin::NewTopic;
use crate::message::{Headers, Timestamp};
use crate::producer::suppress;
use crate::settings::{ClusterSettings, Settings};
use crate::test_log::Log;

const PATIENCE: Duration = Duration::from_secs(30);

/// A broker that has the topic `orders`, and a mover to it.
struct Stage {
    broker: EmbeddedBroker,
    kafka: Kafka,
    mover: Mover,
    cluster: Cluster,
}

impl Stage {
    async fn new() -> Self {
        Self::with(EmbeddedBroker::builder(), orders(), |_| ()).await
    }

    async fn with(
        broker: EmbeddedBrokerBuilder,
        source: NewTopic,
        change: impl FnOnce(&mut ClusterSettings),
    ) -> Self {
        let broker = broker.start().await.expect("a broker");
        let mut settings = Settings::with_bootstrap_servers(broker.bootstrap_servers());
        change(&mut settings.cluster);
        let kafka = Kafka::builder().settings(settings).build().expect("handle");
        let cluster = Cluster::connect(&kafka, None).await.expect("it answers");
        cluster.create(source).await.expect("created");
        let mover = Mover::new(&kafka, None).expect("a mover");
        Self {
            broker,
            kafka,
            mover,
            cluster,
        }
    }

    async fn send(&self, record: &Outgoing) -> Result<Delivery, MoveError> {
        let target = target();
        let sent = self.mover.send(&target, "orders", record);
        let sent = tokio::time::timeout(PATIENCE, sent).await;
        sent.expect("an answer in time")
    }

    /// As the runner does: after some errors the client itself refuses the topic
    /// until it has seen it anew.
    async fn send_until_moved(&self, record: &Outgoing) -> Delivery {
        let since = Instant::now();
        loop {
            match self.send(record).await {
                Ok(delivery) => return delivery,
                Err(error) => assert!(since.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn setting(&self, name: &str) -> String {
        let value = self.cluster.topic_setting(target().as_str(), name).await;
        value.expect("a value")
    }

    async fn exists(&self) -> bool {
        self.cluster.topic(target().as_str()).await.is_ok()
    }

    fn read(&self, delivery: &Delivery) -> OwnedMessage {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.bootstrap_servers())
            .set("group.id", "reader")
            .create()
            .expect("a consumer");
        let mut place = TopicPartitionList::new();
        place
            .add_partition_offset(
                &delivery.topic,
                delivery.partition,
                Offset::Offset(delivery.offset),
            )
            .expect("a place");
        consumer.assign(&place).expect("assigned");
        let message = consumer.poll(PATIENCE).expect("a message");
        message.expect("no error").detach()
    }
}

fn orders() -> NewTopic {
    NewTopic::new("orders").partitions(5)
}

fn target() -> TopicName {
    TopicName::parse("billing.orders.dlt").expect("a name")
}

fn record(payload: impl Into<Vec<u8>>) -> Outgoing {
    let mut headers = Headers::new();
    headers.insert("trace", "a");
    Outgoing {
        key: Some(b"ann".to_vec()),
        payload: Some(payload.into()),
        headers,
        partition: Some(3),
        timestamp: Some(Timestamp::from_millis(1_000)),
    }
}

/// Bytes that no codec makes smaller.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    };
    (0..size).map(|_| next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topic_is_made_like_its_source_and_keeps_the_message_as_it_was() {
    // Of its own, brokers with these defaults would drop an old message.
    let stage = Stage::new().await;
    let delivery = stage.send(&record("x")).await.expect("moved");
    assert_eq!(
        (&*delivery.topic, delivery.partition),
        (target().as_str(), 3)
    );

    let made = stage.cluster.topic(target().as_str()).await.expect("it is");
    assert_eq!(made.partitions.len(), 5);
    for (setting, value) in [
        ("retention.ms", "-1".to_owned()),
        ("retention.bytes", "-1".to_owned()),
        ("cleanup.policy", "delete".to_owned()),
        ("max.message.bytes", (1_048_588 + 65_536).to_string()),
        ("message.timestamp.type", "CreateTime".to_owned()),
        ("message.timestamp.after.max.ms", i64::MAX.to_string()),
    ] {
        assert_eq!(stage.setting(setting).await, value, "{setting}");
    }

    let moved = stage.read(&delivery);
    assert_eq!(moved.key(), Some(&b"ann"[..]));
    assert_eq!(moved.payload(), Some(&b"x"[..]));
    assert_eq!(moved.timestamp().to_millis(), Some(1_000));
    let headers = moved.headers().expect("headers");
    assert_eq!(headers.get(0).value, Some(&b"a"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_there_is_left_alone_and_a_partition_it_lacks_is_not_asked_for() {
    let stage = Stage::new().await;
    let small = NewTopic::new(target().as_str()).partitions(2);
    let small = small.config("retention.ms", "86400000");
    stage.cluster.create(small).await.expect("created");
    let mut fresh = record("x");
    fresh.timestamp = None;
    let log = Log::default();
    let sent = stage.send(&fresh).with_subscriber(log.clone()).await;
    let delivery = sent.expect("moved");
    assert!(delivery.partition < 2, "{delivery:?}");
    fresh.partition = Some(1);
    let sent = stage.send(&fresh).with_subscriber(log.clone()).await;
    let delivery = sent.expect("moved");
    assert_eq!(delivery.partition, 1);
    // Once, with the first message.
    let said = log.text();
    assert_eq!(said.matches("loses failed messages").count(), 1, "{said}");
    for words in ["`retention.ms` is 86400000", target().as_str(), "--alter"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(stage.setting("retention.ms").await, "86400000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_may_not_be_made_is_an_error_with_both_ways_out() {
    let stage = Stage::with(EmbeddedBroker::builder(), orders(), |cluster| {
        cluster.create_retry_topics = false;
    })
    .await;
    stage.mover.prepare("orders", &[target()]).await;
    let error = stage.send(&record("x")).await.expect_err("no topic");
    assert_eq!(error.code(), Code::UnknownTopicOrPartition);
    let text = error.to_string();
    for words in [
        "topic orders",
        "no topic billing.orders.dlt",
        "`create_retry_topics` is false",
        "kafka-topics create billing.orders.dlt --partitions 5",
        "--config retention.ms=-1",
        "--config max.message.bytes=1114124",
        "`create_retry_topics = true`",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // The broker would have made it for a producer that asked.
    assert!(!stage.exists().await);

    // It is found as soon as somebody made it.
    let by_hand = NewTopic::new(target().as_str()).partitions(5);
    let by_hand = by_hand.config("retention.ms", "-1");
    stage.cluster.create(by_hand).await.expect("created");
    stage.send(&record("x")).await.expect("moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_brokers_forbid_it_the_right_that_lacks_is_named() {
    let stage = Stage::new().await;
    let fault = stage.broker.faults().on(ApiKey::CreateTopics).times(1);
    let fault = fault.error(ErrorCode::TopicAuthorizationFailed);
    let _fault = fault.expect("a fault");
    let error = stage.send(&record("x")).await.expect_err("forbidden");
    assert_eq!(error.code(), Code::TopicAuthorizationFailed);
    let text = error.to_string();
    for words in ["CREATE", "kafka-topics create billing.orders.dlt"] {
        assert!(text.contains(words), "{text}");
    }
    stage.send(&record("x")).await.expect("allowed by now");
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_know_fewer_settings_get_fewer() {
    let stage = Stage::new().await;
    let fault = stage.broker.faults().on(ApiKey::CreateTopics).times(2);
    let fault = fault.error(ErrorCode::InvalidConfig);
    let _fault = fault.expect("a fault");
    stage.send(&record("x")).await.expect("moved");
    assert_eq!(stage.setting("max.message.bytes").await, "1048588");
    assert_eq!(stage.setting("retention.ms").await, "-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_without_a_default_replication_get_that_of_the_source() {
    let stage = Stage::new().await;
    let fault = stage.broker.faults().on(ApiKey::CreateTopics).times(1);
    let fault = fault.error(ErrorCode::InvalidReplicationFactor);
    let _fault = fault.expect("a fault");
    stage.send(&record("x")).await.expect("moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_need_the_same_topic_at_once_all_get_it() {
    let stage = Stage::new().await;
    let other = Mover::new(&stage.kafka, None).expect("a mover");
    let sends = (0..20).map(|i| {
        let mover = if i % 2 == 0 { &stage.mover } else { &other };
        async move { mover.send(&target(), "orders", &record("x")).await }
    });
    for sent in futures_util::future::join_all(sends).await {
        sent.expect("moved");
    }
    let made = stage.cluster.topic(target().as_str()).await.expect("it is");
    assert_eq!(made.partitions.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_is_an_error_and_moves_later() {
    let stage = Stage::new().await;
    let fault = stage.broker.faults().on(ApiKey::Produce).times(1);
    let fault = fault.topic(target().as_str());
    let fault = fault.error(ErrorCode::TopicAuthorizationFailed);
    let _fault = fault.expect("a fault");
    let error = stage.send(&record("x")).await.expect_err("refused");
    assert_eq!(error.code(), Code::TopicAuthorizationFailed);
    assert!(!error.is_client_gone());
    let text = error.to_string();
    assert!(
        text.contains("topic orders") && text.contains(target().as_str()),
        "{text}"
    );
    let delivery = stage.send_until_moved(&record("x")).await;
    assert_eq!(stage.read(&delivery).payload(), Some(&b"x"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_source_could_hold_moves_whatever_the_application_may_produce() {
    let large = orders().config("max.message.bytes", "4194304");
    let stage = Stage::with(EmbeddedBroker::builder(), large, |cluster| {
        let config = &mut cluster.producer_config;
        config.set("message.max.bytes", "1000");
        config.set("queue.buffering.max.kbytes", "1");
    })
    .await;
    let payload = noise(2 << 20);
    let delivery = stage.send(&record(payload.clone())).await.expect("moved");
    assert_eq!(stage.read(&delivery).payload(), Some(&payload[..]));

    let error = stage.send(&record(noise(5 << 20))).await;
    let error = error.expect_err("more than the topic takes");
    assert_eq!(error.code(), Code::MessageSizeTooLarge);
    let text = error.to_string();
    assert!(
        text.contains("`max.message.bytes`") && text.contains(target().as_str()),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn small_messages_never_share_a_batch_that_is_too_large() {
    // 100 at once make a batch of some 900 KB unless it is kept small.
    let small = orders().config("max.message.bytes", "20000");
    let stage = Stage::with(EmbeddedBroker::builder(), small, |cluster| {
        cluster.producer_config.set("linger.ms", "200");
        cluster.producer_config.set("compression.type", "none");
    })
    .await;
    let payload = noise(9_000);
    let sends = (0..100).map(|_| {
        let record = record(payload.clone());
        let mover = &stage.mover;
        async move { mover.send(&target(), "orders", &record).await }
    });
    for sent in futures_util::future::join_all(sends).await {
        sent.expect("moved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suppression_does_not_swallow_a_message() {
    let stage = Stage::new().await;
    let record = record("x");
    let delivery = suppress(stage.send(&record)).await.expect("moved");
    assert!(!delivery.is_suppressed());
    assert_eq!(stage.read(&delivery).payload(), Some(&b"x"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_deleted_meanwhile_is_made_again() {
    // The broker would make it its own way for a producer that asked.
    let stage = Stage::with(EmbeddedBroker::builder(), orders(), |cluster| {
        let config = &mut cluster.producer_config;
        config.set("topic.metadata.propagation.max.ms", "100");
    })
    .await;
    stage.send(&record("x")).await.expect("moved");
    let admin: rdkafka::admin::AdminClient<_> = ClientConfig::new()
        .set("bootstrap.servers", stage.broker.bootstrap_servers())
        .create()
        .expect("an admin");
    let name = target();
    let deleted = admin.delete_topics(&[name.as_str()], &Default::default());
    deleted.await.expect("an answer")[0].clone().expect("gone");

    let error = stage.send(&record("y")).await.expect_err("it is gone");
    assert_eq!(error.code(), Code::UnknownTopicOrPartition, "{error}");
    let delivery = stage.send_until_moved(&record("y")).await;
    assert_eq!(stage.read(&delivery).payload(), Some(&b"y"[..]));
    assert_eq!(stage.setting("retention.ms").await, "-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_ahead_and_a_source_that_is_not_there_is_skipped() {
    let stage = Stage::new().await;
    let retry = TopicName::parse("billing.orders.retry.1").expect("a name");
    let targets = [retry.clone(), target()];
    stage.mover.prepare("missing", &targets).await;
    assert!(!stage.exists().await);
    stage.mover.prepare("^orders", &targets).await;
    assert!(!stage.exists().await);
    stage.mover.prepare("orders", &targets).await;
    for name in &targets {
        let made = stage.cluster.topic(name.as_str()).await.expect("made");
        assert_eq!(made.partitions.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_source_is_gone_its_messages_still_move() {
    let stage = Stage::new().await;
    let sent = stage.mover.send(&target(), "deleted", &record("x")).await;
    assert_eq!(sent.expect("moved").partition, 0);
    assert_eq!(stage.setting("retention.ms").await, "-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_shutdown_the_client_is_gone() {
    let stage = Stage::new().await;
    stage.send(&record("x")).await.expect("moved");
    let report = stage.kafka.shutdown(PATIENCE).await;
    assert!(report.is_complete(), "{report}");
    let error = stage.send(&record("x")).await.expect_err("too late");
    assert!(error.is_client_gone(), "{error}");
}

#[tokio::test]
async fn brokers_that_are_away_are_an_error_of_that_look_only() {
    let broker = EmbeddedBroker::builder().start().await.expect("a broker");
    let address = broker.bootstrap_servers();
    broker.stop().await;
    let settings = Settings::with_bootstrap_servers(&address);
    let kafka = Kafka::builder().settings(settings).build().expect("handle");
    let mover = Mover::new(&kafka, None).expect("a mover");
    let error = mover.send(&target(), "orders", &record("x")).await;
    let error = error.expect_err("nobody answers");
    assert_eq!(error.code(), Code::AllBrokersDown, "{error}");
    assert!(!error.is_client_gone());

    let port = address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    let back = EmbeddedBroker::builder().port(port.expect("a port"));
    let _back = back.start().await.expect("it is back");
    let sent = mover.send(&target(), "orders", &record("x")).await;
    sent.expect("moved");
}
