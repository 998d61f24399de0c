use std::future::{Future, IntoFuture};
use std::pin::Pin;

use bytes::Bytes;

use super::client::check_topic;
use super::delivery::Delivery;
use super::error::ProduceError;
use super::record::{Record, Scratch};
use super::suppress::is_suppressed;
use crate::Kafka;
use crate::message::{Headers, Timestamp};
use crate::topic::Topic;

/// A record being built; awaiting it produces it and waits until it is
/// acknowledged.
///
/// The record is serialized and queued when the future is first polled; while
/// the client's queue is full it waits for room. Dropping the future after that
/// does not take the record back.
///
/// ```
/// # use kafka_integration::prelude::*;
/// # struct Greetings;
/// # impl Topic for Greetings {
/// #     type Key = String;
/// #     type Value = String;
/// #     type Codec = Text;
/// #     fn name(&self) -> &str { "greetings" }
/// # }
/// # async fn example() -> Result<(), ProduceError> {
/// let delivery = Greetings
///     .produce("hello".to_owned())
///     .key("ann")
///     .header("source", "web")
///     .await?;
/// println!("{}[{}]@{}", delivery.topic, delivery.partition, delivery.offset);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is produced until this is awaited"]
pub struct Produce<'a, T: Topic> {
    topic: &'a T,
    record: Record<T>,
    kafka: Option<Kafka>,
}

impl<'a, T: Topic> Produce<'a, T> {
    pub(crate) fn new(topic: &'a T, value: T::Value) -> Self {
        Self {
            topic,
            record: Record::new(value),
            kafka: None,
        }
    }

    /// The key: it chooses the partition, and records of a key keep their
    /// order.
    pub fn key(mut self, key: impl Into<T::Key>) -> Self {
        self.record = self.record.key(key);
        self
    }

    /// Appends a header; names may repeat.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.record = self.record.header(name, value);
        self
    }

    /// Replaces all headers.
    pub fn headers(mut self, headers: Headers) -> Self {
        self.record = self.record.headers(headers);
        self
    }

    /// The partition, from 0; chosen by the key unless given, and without a key
    /// at random.
    pub fn partition(mut self, partition: i32) -> Self {
        self.record = self.record.partition(partition);
        self
    }

    /// The record's time; the moment it is queued unless given.
    pub fn timestamp(mut self, timestamp: impl Into<Timestamp>) -> Self {
        self.record = self.record.timestamp(timestamp);
        self
    }

    /// Produces with this handle and not with [`Kafka::current`].
    pub fn on(mut self, kafka: &Kafka) -> Self {
        self.kafka = Some(kafka.clone());
        self
    }

    pub(crate) fn into_record(self) -> Record<T> {
        self.record
    }

    async fn send(self) -> Result<Delivery, ProduceError> {
        let Self {
            topic,
            record,
            kafka,
        } = self;
        let name = topic.name();
        if is_suppressed(name) {
            return Ok(Delivery::suppressed(name));
        }
        check_topic(name)?;
        let kafka = kafka.map_or_else(Kafka::current, Ok)?;
        let producer = kafka.producer(topic.cluster())?;
        let mut scratch = Scratch::take();
        scratch.encode(topic, record)?;
        let queued = producer.queue_single(name, &scratch.outgoing).await;
        scratch.give_back();
        queued?.delivered().await
    }
}

impl<'a, T: Topic> IntoFuture for Produce<'a, T> {
    type Output = Result<Delivery, ProduceError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
