//! Producing: `Orders.produce(order).key(id).await?`, acknowledged.

use std::sync::Arc;

use crate::message::{Headers, Timestamp};
use crate::topic::Topic;

/// A record that was acknowledged (or suppressed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition; -1 when suppressed.
    pub partition: i32,
    /// The offset; -1 when suppressed.
    pub offset: i64,
}

/// Why a record was not produced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProduceError {
    /// Placeholder.
    #[error("refused: {0}")]
    Refused(String),
}

/// A serialized record on its way to the producer.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// The key's bytes; `None` is no key.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers.
    pub headers: Headers,
    /// The partition; `None` lets the partitioner choose.
    pub partition: Option<i32>,
    /// The timestamp; `None` is now.
    pub timestamp: Option<Timestamp>,
}

/// A record being built.
#[must_use = "nothing is produced until this is awaited"]
pub struct Produce<'a, T: Topic> {
    _topic: &'a T,
    _value: T::Value,
}

impl<'a, T: Topic> Produce<'a, T> {
    pub(crate) fn new(topic: &'a T, value: T::Value) -> Self {
        Self {
            _topic: topic,
            _value: value,
        }
    }
}
