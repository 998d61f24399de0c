//! What the tests inside the process share: hooks that fail as told and note
//! what they see.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;
use kafka_integration::retry::{Original, RetryPolicy, Trail};
use kafka_integration_tests::Probe;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::task::block_in_place;

use crate::support::{LogReader, Logged};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a hook was called with.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The value, which is a text; `None` is a tombstone.
    pub(super) text: Option<String>,
    pub(super) key: Option<String>,
    pub(super) headers: Headers,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) attempt: u32,
    pub(super) first_failure: Option<Timestamp>,
    pub(super) original: Original,
}

impl Seen {
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

/// What the hooks were called with, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<Seen>>>);

impl Notes {
    /// A topic whose hook is noted here and does what is decided.
    pub(super) fn probe(
        &self,
        topic: &str,
        decide: impl Fn(&Seen) -> Result<(), ConsumeError> + Send + Sync + 'static,
    ) -> Probe {
        let notes = self.clone();
        Probe::new(topic, move |message, cx| {
            let seen = Seen {
                text: message.value().value().map(|value| match value.as_str() {
                    Some(text) => text.to_owned(),
                    None => value.to_string(),
                }),
                key: message.key().cloned(),
                headers: message.headers().clone(),
                timestamp: message.timestamp(),
                topic: message.topic().to_owned(),
                partition: message.partition(),
                attempt: cx.attempt(),
                first_failure: cx.first_failure(),
                original: cx.original(),
            };
            let mut all = notes.0.lock().expect("not poisoned");
            all.push(seen.clone());
            drop(all);
            let decided = decide(&seen);
            async { decided }
        })
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.0.lock().expect("not poisoned").clone()
    }

    /// The attempts at the message of that text.
    pub(super) fn attempts(&self, text: &str) -> Vec<u32> {
        let all = self.all();
        let ours = all.iter().filter(|seen| seen.text() == text);
        ours.map(|seen| seen.attempt).collect()
    }

    /// How often a hook was called for a text that begins so.
    pub(super) fn count(&self, prefix: &str) -> usize {
        let all = self.all();
        let ours = all.iter().filter(|seen| seen.text().starts_with(prefix));
        ours.count()
    }
}

/// So many retries, each after a moment, all in the same retry topic.
pub(super) fn quick(max_retries: u32) -> RetryPolicy {
    RetryPolicy {
        delay: Duration::from_millis(50),
        max_delay: Duration::from_millis(50),
        jitter: 0.0,
        ..RetryPolicy::times(max_retries)
    }
}

/// A text of a key, for that partition.
pub(super) fn text(partition: i32, key: &str, text: &str) -> Outgoing {
    Outgoing {
        key: Some(key.into()),
        payload: Some(serde_json::to_vec(text).expect("a text is JSON")),
        partition: Some(partition),
        ..Outgoing::default()
    }
}

pub(super) async fn send(kafka: &Kafka, topic: &str, record: Outgoing) {
    let producer = kafka.producer(None).expect("a producer");
    let sent = producer.send_outgoing(topic, &record).await;
    sent.expect("acknowledged");
}

/// Waits until so many records are in a topic; there are not more.
pub(super) async fn logged(address: &str, topic: &str, count: usize) -> Vec<Logged> {
    let deadline = Instant::now() + PATIENCE;
    let mut reader = LogReader::new(address, [topic.to_owned()]);
    let mut records = Vec::new();
    while records.len() < count {
        let there = records.len();
        let read = block_in_place(|| reader.read());
        let late = Instant::now() > deadline;
        assert!(!late, "{there} of {count} in {topic}: {read:?}");
        // A topic that was only just made may have no leader yet.
        records.extend(read.unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(records.len(), count, "{records:#?}");
    records
}

pub(super) fn trail(record: &Logged) -> Trail {
    Trail::of(&record.headers).unwrap_or_else(|| panic!("no trail: {record:?}"))
}

/// The text in a record.
pub(super) fn text_of(record: &Logged) -> String {
    let payload = record.payload.as_deref().unwrap_or(b"\"\"");
    serde_json::from_slice(payload).expect("a text")
}

pub(super) fn dead_letters(group: &str, topic: &str) -> String {
    format!("{group}.{topic}.dlt")
}

pub(super) fn retries(group: &str, topic: &str, level: u32) -> String {
    format!("{group}.{topic}.retry.{level}")
}

/// What a group has committed of a partition; 0 unless it has.
pub(super) fn committed(address: &str, group: &str, topic: &str, partition: i32) -> i64 {
    block_in_place(|| {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", address)
            .set("group.id", group)
            .create()
            .expect("a client of the group");
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let committed = client.committed_offsets(list, PATIENCE);
        match committed.expect("the broker answers").elements()[0].offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        }
    })
}

/// Which topics there are.
pub(super) fn topics(address: &str) -> Vec<String> {
    block_in_place(|| {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", address)
            .create()
            .expect("a client");
        let metadata = client.fetch_metadata(None, PATIENCE);
        let metadata = metadata.expect("the broker answers");
        let names = metadata.topics().iter().map(|topic| topic.name());
        names.map(str::to_owned).collect()
    })
}

/// Creates a topic with that configuration.
pub(super) async fn create_topic(
    address: &str,
    name: &str,
    partitions: i32,
    config: &[(&str, &str)],
) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()
        .expect("an admin client");
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in config {
        topic = topic.set(key, value);
    }
    let results = admin.create_topics([&topic], &AdminOptions::new()).await;
    for result in results.expect("the broker answers") {
        result.expect("the topic is created");
    }
}

/// Sets one property of a topic.
pub(super) async fn alter_topic(address: &str, name: &str, key: &str, value: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()
        .expect("an admin client");
    let change = AlterConfig::new(ResourceSpecifier::Topic(name)).set(key, value);
    let results = admin.alter_configs([&change], &AdminOptions::new()).await;
    for result in results.expect("the broker answers") {
        result.expect("it is changed");
    }
}
