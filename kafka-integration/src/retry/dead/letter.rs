use crate::message::{Headers, Timestamp};
use crate::native::NativeMessage;
use crate::retry::Trail;

/// A record of a dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its partition in the dead-letter topic.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its record's time, which is the original message's.
    pub timestamp: Option<Timestamp>,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The original message's headers.
    pub headers: Headers,
    /// Where it came from and why it is here; `None` when somebody else put it
    /// here, without the headers that say so.
    pub trail: Option<Trail>,
}

impl DeadLetter {
    pub(super) fn read(message: &mut NativeMessage) -> Self {
        let headers = message.copied_headers();
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            trail: Trail::of(&headers),
            headers: Trail::strip(&headers),
        }
    }

    /// Bytes of key and value.
    pub(super) fn size(&self) -> usize {
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        size(&self.key) + size(&self.value)
    }

    /// When the original message was written.
    pub(super) fn original_time(&self) -> Option<Timestamp> {
        let trail = self.trail.as_ref();
        trail
            .and_then(|trail| trail.original.timestamp)
            .or(self.timestamp)
    }
}
