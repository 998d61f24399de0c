//! A consumed record before it is decoded.

use std::sync::Arc;

use super::past::Past;

use crate::message::{Header, Headers, Timestamp};
use crate::native::NativeMessage;

/// What librdkafka keeps for one message beside its key and value, roughly; it
/// counts towards the bytes in flight.
const OVERHEAD: usize = 400;

/// A record in librdkafka's memory, or copied out of it.
pub(crate) enum RawMessage {
    /// Not copied. Keeps the buffer of its whole fetch response alive.
    Native(NativeMessage),
    /// Copied, for what waits long.
    Owned(Box<OwnedMessage>),
}

pub(crate) struct OwnedMessage {
    offset: i64,
    key: Option<Box<[u8]>>,
    payload: Option<Box<[u8]>>,
    headers: Headers,
    timestamp: Option<Timestamp>,
}

impl RawMessage {
    pub(crate) fn offset(&self) -> i64 {
        match self {
            Self::Native(message) => message.offset(),
            Self::Owned(message) => message.offset,
        }
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Native(message) => message.key(),
            Self::Owned(message) => message.key.as_deref(),
        }
    }

    pub(crate) fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Native(message) => message.payload(),
            Self::Owned(message) => message.payload.as_deref(),
        }
    }

    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        match self {
            Self::Native(message) => message.timestamp(),
            Self::Owned(message) => message.timestamp,
        }
    }

    pub(crate) fn headers(&mut self) -> Headers {
        match self {
            Self::Native(message) => message.headers(),
            Self::Owned(message) => message.headers.clone(),
        }
    }

    /// What the message counts towards the bytes in flight.
    pub(crate) fn size(&self) -> usize {
        let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        OVERHEAD + length(self.key()) + length(self.payload())
    }

    /// Forgets everything of the message but where it stands.
    pub(crate) fn forget_content(&mut self) {
        *self = Self::Owned(Box::new(OwnedMessage {
            offset: self.offset(),
            key: None,
            payload: None,
            headers: Headers::new(),
            timestamp: self.timestamp(),
        }));
    }

    /// Has the message in memory of its own, so that it pins no fetch buffer.
    pub(crate) fn detach(&mut self) {
        if let Self::Native(message) = self {
            let copy = OwnedMessage {
                offset: message.offset(),
                headers: message.copied_headers(),
                timestamp: message.timestamp(),
                key: message.key().map(Box::from),
                payload: message.payload().map(Box::from),
            };
            *self = Self::Owned(Box::new(copy));
        }
    }
}

impl OwnedMessage {
    #[cfg(test)]
    pub(super) fn for_test(offset: i64, key: Option<Vec<u8>>) -> Self {
        Self {
            offset,
            key: key.map(Vec::into_boxed_slice),
            payload: None,
            headers: Headers::new(),
            timestamp: None,
        }
    }

    /// Copies a message that did not come through our own queue.
    pub(super) fn copy(message: &rdkafka::message::BorrowedMessage<'_>) -> Self {
        use rdkafka::message::{Headers as _, Message as _};
        let header = |header: rdkafka::message::Header<'_, &[u8]>| Header {
            name: header.key.to_owned(),
            value: header.value.map(bytes::Bytes::copy_from_slice),
        };
        Self {
            offset: message.offset(),
            key: message.key().map(Box::from),
            payload: message.payload().map(Box::from),
            headers: message
                .headers()
                .map(|headers| headers.iter().map(header).collect())
                .unwrap_or_default(),
            timestamp: message.timestamp().to_millis().map(Timestamp::from_millis),
        }
    }
}

/// A message on its way through the lanes.
pub(crate) struct Work {
    pub(crate) message: RawMessage,
    /// Its number in the partition's tracker.
    pub(crate) sequence: u64,
    /// How often it was tried, this time included; 0 before the first.
    pub(crate) attempt: u32,
    /// Earlier attempts; `None` before the first failure.
    pub(crate) past: Option<Box<Past>>,
    /// What was taken from the budget for it.
    pub(crate) size: usize,
    /// Its lane within the partition.
    pub(super) lane: super::lanes::Lane,
}

impl Work {
    /// Has its message copied, for a long wait.
    pub(super) fn detach(&mut self) {
        self.message.detach();
    }
}

/// A topic's name as messages carry it.
pub(crate) type TopicName = Arc<str>;
