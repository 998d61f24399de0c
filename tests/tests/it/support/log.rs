//! Topics as the broker has them, with nothing of the framework in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka_integration::message::{Header, Headers};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A record in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) headers: Headers,
    pub(crate) timestamp: Option<i64>,
}

/// Reads topics as they grow, also those that don't exist yet.
pub(crate) struct LogReader {
    consumer: BaseConsumer,
    topics: Vec<String>,
    /// By topic and partition, what comes next.
    next: BTreeMap<(String, i32), i64>,
    /// Read, and not yet returned: a broker that goes away interrupts.
    records: Vec<Logged>,
}

impl LogReader {
    pub(crate) fn new(bootstrap: &str, topics: impl IntoIterator<Item = String>) -> Self {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "log-reader")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "20")
            .set("reconnect.backoff.max.ms", "200")
            .create()
            .expect("a client");
        Self {
            consumer,
            topics: topics.into_iter().collect(),
            next: BTreeMap::new(),
            records: Vec::new(),
        }
    }

    /// The records since the last call, up to the topics' ends at this moment.
    pub(crate) fn read(&mut self) -> KafkaResult<Vec<Logged>> {
        self.discover()?;
        let mut ends = BTreeMap::new();
        for (topic, partition) in self.next.keys() {
            let (_, end) = self.consumer.fetch_watermarks(topic, *partition, TIMEOUT)?;
            ends.insert((topic.clone(), *partition), end);
        }
        let deadline = Instant::now() + TIMEOUT;
        while self.next.iter().any(|(place, next)| *next < ends[place]) {
            if Instant::now() > deadline {
                let late = RDKafkaErrorCode::OperationTimedOut;
                return Err(KafkaError::MessageConsumption(late));
            }
            // A broker that is away comes back, or the deadline passes.
            if let Some(Ok(message)) = self.consumer.poll(Duration::from_millis(50)) {
                let record = logged(&message);
                let place = (record.topic.clone(), record.partition);
                self.next.insert(place, record.offset + 1);
                self.records.push(record);
            }
        }
        Ok(std::mem::take(&mut self.records))
    }

    /// Assigns what exists by now; what was read stays read.
    fn discover(&mut self) -> KafkaResult<()> {
        let metadata = self.consumer.fetch_metadata(None, TIMEOUT)?;
        let known = self.next.len();
        for topic in metadata.topics() {
            if self.topics.iter().any(|name| name == topic.name()) {
                for partition in topic.partitions() {
                    let place = (topic.name().to_owned(), partition.id());
                    self.next.entry(place).or_insert(0);
                }
            }
        }
        if self.next.len() > known {
            let mut list = TopicPartitionList::new();
            for ((topic, partition), next) in &self.next {
                list.add_partition_offset(topic, *partition, Offset::Offset(*next))?;
            }
            self.consumer.assign(&list)?;
        }
        Ok(())
    }
}

/// Everything in those topics.
pub(crate) fn read_log(bootstrap: &str, topics: impl IntoIterator<Item = String>) -> Vec<Logged> {
    let read = LogReader::new(bootstrap, topics).read();
    read.expect("the topics can be read")
}

fn logged(message: &BorrowedMessage<'_>) -> Logged {
    let headers = message.headers().map(|headers| {
        let header = |header: rdkafka::message::Header<'_, &[u8]>| Header {
            name: header.key.to_owned(),
            value: header.value.map(|value| value.to_vec().into()),
        };
        headers.iter().map(header).collect()
    });
    Logged {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(Vec::from),
        payload: message.payload().map(Vec::from),
        headers: headers.unwrap_or_default(),
        timestamp: message.timestamp().to_millis(),
    }
}
