//! Faults on purpose, as librdkafka and the framework take them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use kafka_integration::embedded::{ApiKey, EmbeddedBroker, ErrorCode, Fault};
use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Probe, Running, eventually, unique};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::json;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

async fn start() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().start().await;
    broker.expect("the embedded broker starts")
}

fn kafka(broker: &EmbeddedBroker, producer: &[(&str, &str)]) -> Kafka {
    let mut settings = Settings::with_bootstrap_servers(broker.bootstrap_servers());
    settings.cluster.shutdown_timeout = Duration::from_secs(10);
    settings.cluster.producer_config.set("linger.ms", "0");
    for (name, value) in producer {
        settings.cluster.producer_config.set(*name, *value);
    }
    let kafka = Kafka::builder().settings(settings).build();
    kafka.expect("the settings are good")
}

async fn struck(fault: &Fault, count: u64) {
    let hit = timeout(PATIENCE, fault.hit(count)).await;
    hit.expect("the fault strikes in time");
}

async fn produce(kafka: &Kafka, topic: &str, number: u64) -> Result<Delivery, ProduceError> {
    let value = OrTombstone::Value(json!(number));
    Probe::produce_only(topic).produce(value).on(kafka).await
}

/// A consumer that notes the offsets it sees.
fn watcher(topic: &str, group: &str) -> (ConsumerSpec, Arc<Mutex<Vec<i64>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let probe = Probe::new(topic, move |message, _| {
        notes.lock().expect("not poisoned").push(message.offset());
        async { Ok(()) }
    });
    (ConsumerSpec::new("Watcher", group).topic(probe), seen)
}

async fn saw(seen: &Mutex<Vec<i64>>, offsets: &[i64]) {
    let has = || *seen.lock().expect("not poisoned") == offsets;
    eventually(&format!("exactly the offsets {offsets:?}"), has).await;
}

/// The numbers in a topic of one partition, from its beginning to its end.
fn read(address: &str, topic: &str) -> Vec<u64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "reader")
        .create()
        .expect("a consumer");
    let watermarks = consumer.fetch_watermarks(topic, 0, PATIENCE);
    let (first, end) = watermarks.expect("the broker answers");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)
        .expect("an offset");
    consumer.assign(&list).expect("assigned");
    let records = (first..end).map(|_| {
        let message = consumer.poll(PATIENCE).expect("a record in time");
        let message = message.expect("a record");
        let text = message.payload_view::<str>().expect("a value");
        text.expect("text").parse().expect("a number")
    });
    records.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_whose_answers_are_lost_writes_everything_once() {
    const RECORDS: u64 = 200;
    let broker = start().await;
    let on = broker.faults().on(ApiKey::Produce).topic("orders");
    let lost = on.skip(2).times(5).lose_answer().expect("a fault");
    let kafka = kafka(
        &broker,
        &[
            ("batch.num.messages", "10"),
            ("reconnect.backoff.max.ms", "200"),
        ],
    );
    let sent = join_all((0..RECORDS).map(|number| produce(&kafka, "orders", number)));
    for delivery in timeout(PATIENCE, sent).await.expect("in time") {
        delivery.expect("acknowledged");
    }
    assert_eq!(lost.hits(), 5);
    let address = broker.bootstrap_servers();
    let all = tokio::task::spawn_blocking(move || read(&address, "orders"));
    let mut all = all.await.expect("read");
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter(0..RECORDS));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_follows_a_moving_coordinator() {
    let broker = start().await;
    let kafka = kafka(&broker, &[]);
    let group = unique("moving");
    produce(&kafka, "orders", 0).await.expect("acknowledged");
    let (consumer, seen) = watcher("orders", &group);
    let running = Running::start(&kafka, [consumer]);
    saw(&seen, &[0]).await;

    let moved = broker.move_coordinator(&group);
    struck(&moved, 1).await;
    produce(&kafka, "orders", 1).await.expect("acknowledged");
    saw(&seen, &[0, 1]).await;
    broker.force_rebalance(&group).await;
    produce(&kafka, "orders", 2).await.expect("acknowledged");
    saw(&seen, &[0, 1, 2]).await;
    running.stop().await;

    // What was done is committed, so a later member sees only what is new.
    produce(&kafka, "orders", 3).await.expect("acknowledged");
    let (consumer, seen) = watcher("orders", &group);
    let running = Running::start(&kafka, [consumer]);
    saw(&seen, &[3]).await;
    running.stop().await;
    broker.stop().await;
}

/// What the group `group` has committed: the offset, and what is said beside it.
fn committed(address: &str, group: &str, topic: &str) -> (Offset, String) {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", group)
        .create()
        .expect("a client");
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let list = client.committed_offsets(list, PATIENCE);
    let list = list.expect("the broker answers");
    let element = list.find_partition(topic, 0).expect("a partition");
    (element.offset(), element.metadata().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_is_too_large_for_the_broker_never_holds_the_offset_back() {
    const RECORDS: u64 = 60;
    let broker = start().await;
    let kafka = kafka(&broker, &[]);
    let group = unique("metadata");
    for number in 0..RECORDS {
        produce(&kafka, "orders", number)
            .await
            .expect("acknowledged");
    }
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let done = Arc::new(Mutex::new(0));
    let probe = Probe::new("orders", {
        let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
        move |message, _| {
            let (gate, done, offset) = (Arc::clone(&gate), Arc::clone(&done), message.offset());
            async move {
                // Every third one waits: there is something to record.
                if offset % 3 == 0 {
                    gate.acquire().await?.forget();
                }
                *done.lock().expect("not poisoned") += 1;
                Ok(())
            }
        }
    });
    let consumer = ConsumerSpec::new("Gated", &group)
        .ordering(Ordering::None)
        .concurrency(64)
        .topic(probe);
    let refused = broker
        .faults()
        .on(ApiKey::OffsetCommit)
        .group(&group)
        .times(6);
    let refused = refused
        .error(ErrorCode::OffsetMetadataTooLarge)
        .expect("a fault");
    let running = Running::start(&kafka, [consumer]);
    struck(&refused, 6).await;
    let some = RECORDS - RECORDS / 3;
    eventually("the others", || *done.lock().expect("not poisoned") == some).await;
    let address = broker.bootstrap_servers();
    eventually("the offset", || {
        committed(&address, &group, "orders") == (Offset::Offset(0), String::new())
    })
    .await;
    gate.add_permits(RECORDS as usize);
    eventually("all", || {
        committed(&address, &group, "orders").0 == Offset::Offset(RECORDS as i64)
    })
    .await;
    running.stop().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_held_in_its_join() {
    let broker = start().await;
    let kafka = kafka(&broker, &[]);
    let group = unique("held");
    produce(&kafka, "orders", 0).await.expect("acknowledged");
    let on = broker.faults().on(ApiKey::JoinGroup).group(&group);
    let held = on.delay(HOUR).expect("a fault");
    let (consumer, seen) = watcher("orders", &group);
    let running = Running::start(&kafka, [consumer]);
    struck(&held, 1).await;
    assert!(seen.lock().expect("not poisoned").is_empty());
    held.lift();
    saw(&seen, &[0]).await;
    running.stop().await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_topic_is_an_error_of_its_produce_alone() {
    let broker = start().await;
    let kafka = kafka(&broker, &[]);
    let on = broker.faults().on(ApiKey::Produce).topic("orders");
    let refused = on.error(ErrorCode::TopicAuthorizationFailed);
    let refused = refused.expect("a fault");
    let error = produce(&kafka, "orders", 0).await.expect_err("refused");
    assert!(
        matches!(error, ProduceError::Unauthorized { .. }),
        "{error:?}"
    );
    assert_eq!(refused.hits(), 1);
    produce(&kafka, "bills", 0).await.expect("acknowledged");
    refused.lift();
    let sent = produce(&kafka, "orders", 1).await.expect("acknowledged");
    assert_eq!(sent.offset, 0);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_by_the_clients_own_timeout() {
    let broker = start().await;
    let kafka = kafka(&broker, &[("message.timeout.ms", "1500")]);
    produce(&kafka, "orders", 0).await.expect("acknowledged");
    let silence = broker.faults().on(ApiKey::Produce).silence();
    let silence = silence.expect("a fault");
    let produced = timeout(PATIENCE, produce(&kafka, "orders", 1)).await;
    let error = produced.expect("the client gives up").expect_err("silence");
    assert!(matches!(error, ProduceError::TimedOut { .. }), "{error:?}");
    assert!(silence.hits() > 0);
    silence.lift();
    let sent = produce(&kafka, "orders", 2).await.expect("acknowledged");
    assert_eq!(sent.offset, 1, "nothing of the silenced record");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_outlasts_an_outage() {
    let mut broker = start().await;
    let kafka = kafka(&broker, &[("reconnect.backoff.max.ms", "200")]);
    let group = unique("outage");
    produce(&kafka, "orders", 0).await.expect("acknowledged");
    let (consumer, seen) = watcher("orders", &group);
    let running = Running::start(&kafka, [consumer]);
    saw(&seen, &[0]).await;
    broker.go_offline().await;
    let record = tokio::spawn({
        let kafka = kafka.clone();
        async move { produce(&kafka, "orders", 1).await }
    });
    broker.come_back().await.expect("the address is free");
    let sent = timeout(PATIENCE, record).await.expect("in time");
    assert_eq!(sent.expect("no panic").expect("acknowledged").offset, 1);
    saw(&seen, &[0, 1]).await;
    running.stop().await;
    broker.stop().await;
}
