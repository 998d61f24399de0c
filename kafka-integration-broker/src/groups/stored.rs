use serde::{Deserialize, Serialize};

use super::classic::StoredClassic;
use super::consumer::StoredConsumer;

/// A group as it is stored under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum StoredGroup {
    Classic(StoredClassic),
    Consumer(StoredConsumer),
}

impl StoredGroup {
    /// Whether it has no members, and so no timers.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.members.is_empty(),
            Self::Consumer(group) => group.is_empty(),
        }
    }
}

/// Bytes as a string of hexadecimal digits: a list of numbers would take twice
/// the room.
pub(super) mod hex {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::groups) fn serialize<S: Serializer>(
        bytes: &Bytes,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        use std::fmt::Write;
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        to.serialize_str(&text)
    }

    pub(in crate::groups) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2);
            pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        digits
            .collect::<Option<Vec<u8>>>()
            .map(Bytes::from)
            .ok_or_else(|| D::Error::custom("not a string of hexadecimal bytes"))
    }
}
