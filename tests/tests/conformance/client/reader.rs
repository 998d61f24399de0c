//! Consumers and what they read.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

/// A record as an application sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp: Option<i64>,
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
    pub(super) headers: Vec<(String, Option<String>)>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Read {
    pub(super) fn of(message: &impl Message) -> Self {
        let headers = message.headers().map(|headers| {
            let headers = headers.iter();
            let headers = headers.map(|h| (h.key.to_owned(), h.value.map(text)));
            headers.collect()
        });
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(text),
            value: message.payload().map(text),
            headers: headers.unwrap_or_default(),
        }
    }
}

/// Reads partition 0 from its start until `count` records are there, or, when
/// no more are, the end.
pub(super) fn read_all(config: &ClientConfig, topic: &str, isolation: &str) -> Vec<Read> {
    let mut config = config.clone();
    config
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", isolation);
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    partitions
        .add_partition_offset(topic, 0, Offset::Beginning)
        .expect("a partition");
    consumer.assign(&partitions).expect("an assignment");
    let mut read = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => read.push(Read::of(&message)),
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => return read,
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            None => assert!(Instant::now() < deadline, "no end of {topic}: {read:?}"),
        }
    }
}

pub(super) fn values(read: &[Read]) -> Vec<&str> {
    let values = read.iter().map(|read| read.value.as_deref());
    values.map(Option::unwrap_or_default).collect()
}
