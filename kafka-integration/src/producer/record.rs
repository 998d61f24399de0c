use std::cell::Cell;
use std::mem;

use bytes::Bytes;

use super::Produce;
use super::error::ProduceError;
use super::outgoing::Outgoing;
use crate::codec::{CodecContext, EncodeError, Field, Key, Presence};
use crate::message::{Headers, Timestamp};
use crate::topic::Topic;

/// A record of a topic, for [`Pipeline::send`](super::Pipeline::send) and
/// [`Topic::produce_batch`].
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
/// use kafka_integration::producer::Record;
///
/// let record: Record<Greetings> = Record::new("hello".to_owned())
///     .key("ann")
///     .header("source", "import");
/// ```
#[must_use = "a record is not produced until it is sent"]
pub struct Record<T: Topic> {
    value: T::Value,
    key: Option<T::Key>,
    headers: Headers,
    partition: Option<i32>,
    timestamp: Option<Timestamp>,
}

impl<T: Topic> Record<T> {
    /// A record with that value, and nothing else.
    pub fn new(value: T::Value) -> Self {
        Self {
            value,
            key: None,
            headers: Headers::new(),
            partition: None,
            timestamp: None,
        }
    }

    /// The key: it chooses the partition, and records of a key keep their
    /// order.
    pub fn key(mut self, key: impl Into<T::Key>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Appends a header; names may repeat.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Replaces all headers.
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// The partition, from 0; chosen by the key unless given, and without a key
    /// at random.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// The record's time; the moment it is queued unless given.
    pub fn timestamp(mut self, timestamp: impl Into<Timestamp>) -> Self {
        self.timestamp = Some(timestamp.into());
        self
    }
}

impl<T: Topic> From<Produce<'_, T>> for Record<T> {
    /// The record as it was built; what was given with
    /// [`on`](Produce::on) is left out.
    fn from(produce: Produce<'_, T>) -> Self {
        produce.into_record()
    }
}

/// A serialized record whose buffers are used again for the next one.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) outgoing: Outgoing,
    key: Vec<u8>,
    payload: Vec<u8>,
}

/// Larger buffers are given back after one record.
const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    static SPARE: Cell<Option<Scratch>> = const { Cell::new(None) };
}

impl Scratch {
    /// This thread's spare one.
    pub(crate) fn take() -> Self {
        SPARE.take().unwrap_or_default()
    }

    /// Leaves it to the next record of this thread.
    pub(crate) fn give_back(mut self) {
        self.clear();
        SPARE.set(Some(self));
    }

    fn clear(&mut self) {
        for (used, spare) in [
            (&mut self.outgoing.key, &mut self.key),
            (&mut self.outgoing.payload, &mut self.payload),
        ] {
            if let Some(mut bytes) = used.take()
                && bytes.capacity() <= KEPT_BYTES
            {
                bytes.clear();
                *spare = bytes;
            }
        }
    }

    /// Serialize hooks, then the produce hook.
    pub(crate) fn encode<T: Topic>(
        &mut self,
        topic: &T,
        record: Record<T>,
    ) -> Result<(), ProduceError> {
        self.clear();
        let name = topic.name();
        let Record {
            value,
            key,
            headers,
            partition,
            timestamp,
        } = record;
        self.outgoing.headers = headers;
        self.outgoing.partition = partition;
        self.outgoing.timestamp = timestamp;

        let context = |field| CodecContext {
            topic: name,
            field,
            headers: &self.outgoing.headers,
        };
        let failed = |field| {
            move |source| EncodeError {
                topic: name.to_owned(),
                field,
                source,
            }
        };
        let encoded_key = match &key {
            Some(key) if T::Key::PRESENT => {
                let mut bytes = mem::take(&mut self.key);
                topic
                    .serialize_key(key, &mut bytes, &context(Field::Key))
                    .map_err(failed(Field::Key))?;
                Some(bytes)
            }
            _ => None,
        };
        let mut bytes = mem::take(&mut self.payload);
        let presence = topic
            .serialize_value(&value, &mut bytes, &context(Field::Value))
            .map_err(failed(Field::Value))?;
        self.outgoing.key = encoded_key;
        match presence {
            Presence::Value => self.outgoing.payload = Some(bytes),
            Presence::Tombstone => {
                bytes.clear();
                self.payload = bytes;
            }
        }
        topic
            .before_produce(&mut self.outgoing)
            .map_err(|error| error.of_topic(name))?;
        check_partition(name, &self.outgoing)
    }
}

/// A negative number would mean "any" to the client, and "the last" to a
/// reader.
pub(crate) fn check_partition(topic: &str, record: &Outgoing) -> Result<(), ProduceError> {
    match record.partition {
        Some(partition) if partition < 0 => Err(ProduceError::UnknownPartition {
            topic: topic.to_owned(),
            partition,
        }),
        _ => Ok(()),
    }
}
