use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use kafka_integration::message::{Header, Headers, Timestamp};
use kafka_integration::prelude::*;
use kafka_integration::retry::dead::DeadLetters;
use kafka_integration::retry::{ErrorInfo, Original, Trail};
use kafka_integration_tests::{PARTITIONS, TestBroker, create_topic, unique};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header as Sent, Headers as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A topic, and the dead letters of a group that consumes it.
pub(super) struct Scene {
    pub(super) address: String,
    pub(super) group: String,
    pub(super) source: String,
    pub(super) dead: String,
}

/// A record as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) partition: i32,
    pub(super) timestamp: Option<i64>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Scene {
    pub(super) async fn on(broker: &TestBroker, test: &str) -> Self {
        Self::at(broker.address(), test).await
    }

    pub(super) async fn at(address: &str, test: &str) -> Self {
        let source = unique(test);
        let group = format!("group-{source}");
        let dead = format!("{group}.{source}.dlt");
        create_topic(address, &source, PARTITIONS).await;
        create_topic(address, &dead, PARTITIONS).await;
        Self {
            address: address.to_owned(),
            group,
            source,
            dead,
        }
    }

    pub(super) fn kafka(&self) -> Kafka {
        let settings = kafka_integration::settings::Settings::with_bootstrap_servers(&self.address);
        let kafka = Kafka::builder().settings(settings).build();
        kafka.expect("the settings are good")
    }

    pub(super) async fn letters(&self) -> DeadLetters {
        let letters = DeadLetters::open(&self.kafka(), None, &self.dead).await;
        letters.expect("the topic is there")
    }

    /// A trail of a message that failed, most of it made up from its number.
    pub(super) fn trail(&self, number: i64, class: &str) -> Trail {
        Trail {
            original: Original {
                topic: self.source.clone(),
                partition: partition_of(number),
                offset: number,
                timestamp: Some(written(number)),
            },
            group: self.group.clone(),
            attempts: 3,
            first_failure: failed(number),
            last_failure: failed(number),
            error: ErrorInfo {
                class: class.to_owned(),
                text: format!("number {number}"),
            },
            reason: "exhausted".to_owned(),
            due: None,
        }
    }

    /// Puts these there: number and class of error of each.
    pub(super) fn bury(&self, letters: impl IntoIterator<Item = (i64, &'static str)>) {
        let letters = letters.into_iter();
        self.bury_with(letters.map(|(number, class)| (number, self.trail(number, class))));
    }

    /// Puts these there: number and trail of each.
    pub(super) fn bury_with(&self, letters: impl IntoIterator<Item = (i64, Trail)>) {
        let producer = producer(&self.address);
        for (number, trail) in letters {
            let original = original(number);
            let headers = original
                .headers
                .iter()
                .map(|(name, value)| Header {
                    name: name.clone(),
                    value: value.clone().map(Into::into),
                })
                .collect::<Headers>();
            let headers = trail.append_to(&headers);
            let record = Record {
                headers: headers
                    .iter()
                    .map(|header| (header.name.clone(), header.value.as_deref().map(Into::into)))
                    .collect(),
                ..original
            };
            send(&producer, &self.dead, &record);
        }
        producer.flush(PATIENCE).expect("they are acknowledged");
    }

    /// The committed records of a topic.
    pub(super) fn read(&self, topic: &str) -> Vec<Record> {
        read(&self.address, topic)
    }

    /// The sum of the offsets at which the source's partitions end, committed or
    /// not.
    pub(super) fn ends(&self) -> i64 {
        let consumer: BaseConsumer<Silent> = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("isolation.level", "read_uncommitted")
            .create_with_context(Silent)
            .expect("a consumer");
        let ends = (0..PARTITIONS).map(|partition| {
            let watermarks = consumer.fetch_watermarks(&self.source, partition, PATIENCE);
            watermarks.expect("the broker answers").1
        });
        ends.sum()
    }

    /// What went back to the source, by number.
    pub(super) fn back(&self) -> BTreeMap<i64, Vec<Record>> {
        let mut back: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for record in self.read(&self.source) {
            back.entry(number_of(&record)).or_default().push(record);
        }
        back
    }

    /// The numbers that went back, each exactly once and as the original was.
    pub(super) fn back_as_they_were(&self) -> Vec<i64> {
        let back = self.back();
        for (number, records) in &back {
            assert_eq!(records[..], [original(*number)], "{number}");
        }
        back.into_keys().collect()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .args(arguments)
            // No file of the directory that the test runs in is read.
            .env("KAFKA_CONFIG_DIR", env!("CARGO_TARGET_TMPDIR"))
            .env("KAFKA__BOOTSTRAP_SERVERS", &self.address)
            .env("SHOP_TOPIC", &self.source)
            .env("SHOP_GROUP", &self.group)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `kafka-dlt` on the topic: what it prints, and its exit code.
    pub(super) fn dlt(&self, action: &str, arguments: &[&str]) -> (String, i32) {
        let all = [&["kafka-dlt", action, &self.dead], arguments].concat();
        let output = self.command(&all).output().expect("it runs");
        told(output)
    }
}

/// Everything a process said, and its exit code.
pub(super) fn told(output: Output) -> (String, i32) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = text(&output.stdout) + &text(&output.stderr);
    (told, output.status.code().expect("an exit code"))
}

/// What stood in the source under that number.
pub(super) fn original(number: i64) -> Record {
    Record {
        partition: partition_of(number),
        timestamp: Some(written(number).as_millis()),
        key: (number % 3 != 0).then(|| format!("key-{}", number % 10).into_bytes()),
        value: Some(format!("{{\"number\":{number},\"raw\":\"\u{fffd}\"}}").into_bytes()),
        headers: vec![
            ("number".to_owned(), Some(number.to_string().into_bytes())),
            ("retry.attempt".to_owned(), Some(b"\xff\x00".to_vec())),
            ("number".to_owned(), None),
            ("empty".to_owned(), Some(Vec::new())),
        ],
    }
}

fn number_of(record: &Record) -> i64 {
    let number = record.headers[0].1.as_deref().expect("a value");
    let number = std::str::from_utf8(number).expect("text");
    number.parse().expect("a number")
}

fn partition_of(number: i64) -> i32 {
    i32::try_from(number % i64::from(PARTITIONS)).expect("it is small")
}

/// An hour ago and a millisecond for each number.
fn written(number: i64) -> Timestamp {
    let hour = Timestamp::now().as_millis() / 3_600_000 - 1;
    Timestamp::from_millis(hour * 3_600_000 + number)
}

/// In a second of its own, the higher the number the later.
pub(super) fn failed(number: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + number * 1_000)
}

pub(super) fn producer(address: &str) -> BaseProducer {
    let producer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("enable.idempotence", "true")
        .create();
    producer.expect("a producer")
}

pub(super) fn send(producer: &BaseProducer, topic: &str, record: &Record) {
    loop {
        let start = OwnedHeaders::new();
        let headers = record.headers.iter().fold(start, |all, (name, value)| {
            all.insert(Sent {
                key: name,
                value: value.as_deref(),
            })
        });
        let sent = producer.send(BaseRecord {
            topic,
            partition: Some(record.partition),
            payload: record.value.as_deref(),
            key: record.key.as_deref(),
            timestamp: record.timestamp,
            headers: Some(headers),
            delivery_opaque: (),
        });
        match sent {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(Duration::from_millis(50));
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
}

/// The end of a partition is no news.
struct Silent;

impl ClientContext for Silent {
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Silent {}

/// The committed records of a topic.
pub(super) fn read(address: &str, topic: &str) -> Vec<Record> {
    let consumer: BaseConsumer<Silent> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "20")
        .create_with_context(Silent)
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE);
    let metadata = metadata.expect("the broker answers");
    let mut list = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)
            .expect("an offset");
    }
    consumer.assign(&list).expect("assigned");
    let mut left = list.count();
    let mut records = Vec::new();
    while left > 0 {
        match consumer.poll(PATIENCE).expect("a record or the end") {
            Err(KafkaError::PartitionEOF(_)) => left -= 1,
            Err(error) => panic!("{error}"),
            Ok(message) => records.push(Record {
                partition: message.partition(),
                timestamp: message.timestamp().to_millis(),
                key: message.key().map(Into::into),
                value: message.payload().map(Into::into),
                headers: message.headers().map_or_else(Vec::new, |headers| {
                    let headers = headers.iter();
                    let headers =
                        headers.map(|header| (header.key.to_owned(), header.value.map(Into::into)));
                    headers.collect()
                }),
            }),
        }
    }
    records
}
