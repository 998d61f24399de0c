use std::time::Duration;

use kafka_integration::Kafka;
use kafka_integration::settings::{ClientKind, Settings};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::Failure;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The properties the framework gives a consumer, so that a raw one has the
/// same.
///
/// # Errors
/// When a property is refused.
pub fn tuned_consumer(bootstrap: &str, group: &str) -> Result<ClientConfig, Failure> {
    let kafka = Kafka::builder()
        .settings(Settings::with_bootstrap_servers(bootstrap))
        .build()?;
    let mut config = kafka.client_config(None, ClientKind::Consumer, &[])?;
    config.set("group.id", group);
    Ok(config)
}

/// Makes and fills topics, and looks at what is committed, by the raw client.
pub struct Topics {
    bootstrap: String,
}

impl Topics {
    /// On the brokers of that address.
    pub fn at(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    /// Creates a topic; `false` when it exists.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn create(&self, topic: &str, partitions: i32) -> Result<bool, Failure> {
        let admin: AdminClient<DefaultClientContext> = self.config().create()?;
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for result in admin.create_topics([&new], &AdminOptions::new()).await? {
            match result {
                Ok(_) => {}
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => return Ok(false),
                Err((topic, code)) => return Err(format!("{topic}: {code}").into()),
            }
        }
        Ok(true)
    }

    /// Makes sure that a topic of that name holds that many messages. What a
    /// run before left there is used again.
    ///
    /// # Errors
    /// When it holds another number, or can't be filled.
    pub async fn filled(
        &self,
        topic: &str,
        partitions: i32,
        messages: u64,
        message: impl FnMut(u64, &mut Message) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.create(topic, partitions).await? {
            self.fill(topic, messages, message)?;
        }
        let there = self.count(topic, partitions)?;
        if there != messages {
            return Err(format!(
                "{topic} holds {there} messages, not {messages}; a run before was cut short: \
                 delete the topic or choose another number"
            )
            .into());
        }
        Ok(())
    }

    fn fill(
        &self,
        topic: &str,
        messages: u64,
        mut message: impl FnMut(u64, &mut Message) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let producer: BaseProducer = self
            .config()
            .set("enable.idempotence", "true")
            .set("queue.buffering.max.messages", "500000")
            .create()?;
        let mut next = Message::default();
        for number in 0..messages {
            next.key.clear();
            next.payload.clear();
            next.partition = None;
            message(number, &mut next)?;
            let mut record = BaseRecord::to(topic)
                .key(next.key.as_slice())
                .payload(next.payload.as_slice());
            record.partition = next.partition;
            while let Err((error, returned)) = producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(error.into());
                }
                record = returned;
                producer.poll(Duration::from_millis(10));
            }
            if number % 1024 == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        producer.flush(Duration::from_secs(120))?;
        Ok(())
    }

    /// How many messages a topic holds.
    fn count(&self, topic: &str, partitions: i32) -> Result<u64, Failure> {
        let consumer: BaseConsumer = self.config().create()?;
        let mut count = 0;
        for partition in 0..partitions {
            let (low, high) = consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
            count += (high - low) as u64;
        }
        Ok(count)
    }

    /// How many messages of a topic that starts at offset 0 a group has
    /// committed.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn committed(&self, topic: &str, partitions: i32, group: &str) -> Result<u64, Failure> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let committed = consumer.committed_offsets(list, TIMEOUT)?;
        Ok(committed
            .elements()
            .iter()
            .map(|element| match element.offset() {
                Offset::Offset(offset) => offset as u64,
                _ => 0,
            })
            .sum())
    }
}

/// A message to fill a topic with.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Message {
    pub key: Vec<u8>,
    pub payload: Vec<u8>,
    /// By the hash of the key when there is none.
    pub partition: Option<i32>,
}
