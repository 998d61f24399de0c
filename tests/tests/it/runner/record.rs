//! What a commit says beside its offset.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::admin::{Cluster, PartitionLag};
use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration_tests::{Probe, Running, TestBroker, create_topic, eventually, unique};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;

const MESSAGES: i64 = 200;
const KEYS: i64 = 10;

/// Offset and attempt of what was handled.
type Seen = Arc<Mutex<Vec<(i64, u32)>>>;

async fn filled(broker: &TestBroker, test: &str) -> String {
    let topic = unique(test);
    create_topic(broker.address(), &topic, 1).await;
    let records = (0..MESSAGES).map(|number| {
        let value = OrTombstone::Value(json!(number));
        let record = kafka_integration::producer::Record::<Probe>::new(value);
        record.key(format!("k{}", number % KEYS))
    });
    Probe::produce_only(&topic)
        .produce_batch(records)
        .on(&broker.kafka())
        .await
        .expect("acknowledged");
    topic
}

/// Fails at one offset, for ever, and is in no hurry to try again.
fn stuck_at(offset: Option<i64>, topic: &str, group: &str) -> (ConsumerSpec, Seen) {
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let probe = Probe::new(topic, move |message, cx| {
        let seen = (message.offset(), cx.attempt());
        notes.lock().expect("not poisoned").push(seen);
        let fails = Some(message.offset()) == offset;
        async move {
            match fails {
                true => Err(ConsumeError::new("as asked")),
                false => Ok(()),
            }
        }
    });
    let spec = ConsumerSpec::new("Stuck", group)
        .ordering(Ordering::Key)
        .concurrency(4)
        .retry(RetryPolicy {
            delay: Duration::from_secs(3),
            max_delay: Duration::from_secs(3),
            ..Default::default()
        })
        .topic(probe);
    (spec, seen)
}

fn offsets(seen: &Seen) -> Vec<i64> {
    let seen = seen.lock().expect("not poisoned");
    let mut offsets: Vec<_> = seen.iter().map(|(offset, _)| *offset).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

async fn lag(cluster: &Cluster, group: &str, topic: &str) -> PartitionLag {
    let lags = cluster
        .lag(group, &[topic])
        .await
        .expect("the broker answers");
    lags.into_iter().next().expect("a partition")
}

/// Commits as anybody may.
fn commit(broker: &TestBroker, group: &str, topic: &str, offset: i64, metadata: &str) {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("group.id", group)
        .create()
        .expect("a client");
    let mut list = TopicPartitionList::new();
    let mut element = list.add_partition(topic, 0);
    element
        .set_offset(Offset::Offset(offset))
        .expect("an offset");
    element.set_metadata(metadata);
    client.commit(&list, CommitMode::Sync).expect("committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_finished_above_the_commit_is_not_handled_again() {
    const STUCK: i64 = 3;
    for broker in TestBroker::each("what_is_finished_above_the_commit") {
        for config in [
            ("partition.assignment.strategy", "range"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("group.protocol", "consumer"),
        ] {
            let topic = filled(&broker, "above").await;
            let group = unique("above");
            let kafka = broker.kafka();
            let cluster = Cluster::connect(&kafka, None).await.expect("connected");
            let (spec, seen) = stuck_at(Some(STUCK), &topic, &group);
            let running = Running::start(&kafka, [spec.config(config.0, config.1)]);
            let behind = MESSAGES / KEYS - 1;
            let others = (MESSAGES - behind) as usize;
            eventually("all but the stuck key", || offsets(&seen).len() == others).await;
            running.stop().await;

            let lag = lag(&cluster, &group, &topic).await;
            assert_eq!(lag.committed, Some(STUCK), "{config:?}: {lag:?}");
            let done = MESSAGES - STUCK - MESSAGES / KEYS;
            assert_eq!(lag.done_above, done.unsigned_abs());

            let (spec, seen) = stuck_at(None, &topic, &group);
            let running = Running::start(&kafka, [spec.config(config.0, config.1)]);
            let stuck: Vec<_> = (STUCK..MESSAGES).step_by(KEYS as usize).collect();
            eventually("the stuck key", || offsets(&seen).len() >= stuck.len()).await;
            running.stop().await;
            assert_eq!(offsets(&seen), stuck, "{config:?}");
            let first = seen.lock().expect("not poisoned")[0];
            assert_eq!(first.0, STUCK);
            assert!(
                first.1 >= 2,
                "attempt {} is a further one, a process later",
                first.1
            );
            let lag = self::lag(&cluster, &group, &topic).await;
            assert_eq!((lag.committed, lag.done_above), (Some(MESSAGES), 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_somebody_else_is_ignored() {
    for broker in TestBroker::each("metadata_of_somebody_else_is_ignored") {
        let foreign = [
            "leader-1 2026-11-21T16:00:00Z",
            "ki1:",
            // Damaged; and a sound one of another offset.
            "ki1:ZAEFAasCAwECCwADgKCr/vliwKkHeA8GqX",
            "ki1:ZAEFAasCAwECCwADgKCr/vliwKkHeA8Gqw",
            "ki9:ZAEFAasCAwECCwADgKCr/vliwKkHeA8Gqw",
        ];
        let topic = filled(&broker, "foreign").await;
        let kafka = broker.kafka();
        let cluster = Cluster::connect(&kafka, None).await.expect("connected");
        for metadata in foreign {
            let group = unique("foreign");
            commit(&broker, &group, &topic, 5, metadata);
            let lag = lag(&cluster, &group, &topic).await;
            assert_eq!((lag.committed, lag.done_above), (Some(5), 0), "{metadata}");
            let (spec, seen) = stuck_at(None, &topic, &group);
            let running = Running::start(&kafka, [spec]);
            let all: Vec<_> = (5..MESSAGES).collect();
            eventually("the messages", || offsets(&seen).len() >= all.len()).await;
            running.stop().await;
            assert_eq!(offsets(&seen), all, "{metadata}");
        }
    }
}

/// A record of 100 and above, of a log that ends below what it says is finished.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_another_log_is_ignored() {
    for broker in TestBroker::each("a_record_of_another_log_is_ignored") {
        let topic = filled(&broker, "truncated").await;
        let kafka = broker.kafka();
        let group = unique("truncated");
        let record = "ki1:ZAEFAasCAwECCwADgKCr/vliwKkHeA8Gqw";
        commit(&broker, &group, &topic, 100, record);
        let (spec, seen) = stuck_at(None, &topic, &group);
        let running = Running::start(&kafka, [spec]);
        let all: Vec<_> = (100..MESSAGES).collect();
        eventually("the messages", || offsets(&seen).len() >= all.len()).await;
        running.stop().await;
        assert_eq!(offsets(&seen), all);
    }
}
