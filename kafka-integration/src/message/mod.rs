//! What a handler sees: a decoded [`Message`] with its [`Headers`],
//! [`Timestamp`] and coordinates, or a [`Batch`] of them.

mod batch;
mod headers;
mod timestamp;

use std::fmt;
use std::sync::Arc;

pub use batch::Batch;
pub(crate) use batch::Tried;
pub use headers::{Header, Headers};
pub use timestamp::{ParseTimestampError, Timestamp};

use crate::topic::Topic;

/// One consumed record of topic `T`, key and value decoded.
pub struct Message<T: Topic> {
    pub(crate) key: Option<T::Key>,
    pub(crate) value: T::Value,
    pub(crate) headers: Headers,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: Option<Timestamp>,
}

impl<T: Topic> Message<T> {
    /// A message made by hand, to call a consume hook without a broker.
    ///
    /// It stands at partition 0, offset 0, without key, headers or timestamp.
    pub fn for_test(topic: &T, value: T::Value) -> Self {
        Self {
            key: None,
            value,
            headers: Headers::new(),
            topic: topic.name().into(),
            partition: 0,
            offset: 0,
            timestamp: None,
        }
    }

    /// The decoded key; `None` when the record has none.
    pub fn key(&self) -> Option<&T::Key> {
        self.key.as_ref()
    }

    /// The decoded value.
    ///
    /// A topic that carries tombstones says so in its type: its `Value` is
    /// [`OrTombstone<V>`](crate::codec::OrTombstone).
    pub fn value(&self) -> &T::Value {
        &self.value
    }

    /// Gives up the message for its value.
    pub fn into_value(self) -> T::Value {
        self.value
    }

    /// Gives up the message for its key and value.
    pub fn into_parts(self) -> (Option<T::Key>, T::Value) {
        (self.key, self.value)
    }

    /// The record's headers, in the order they were written.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The topic the record came from; for a regex topic, the one that matched.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition the record came from.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The record's offset in its partition.
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The record's timestamp; `None` only for records written before Kafka 0.10.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

impl<T: Topic> fmt::Debug for Message<T>
where
    T::Key: fmt::Debug,
    T::Value: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .field("offset", &self.offset)
            .field("timestamp", &self.timestamp)
            .field("key", &self.key)
            .field("value", &self.value)
            .field("headers", &self.headers)
            .finish()
    }
}
