use std::error::Error;
use std::fmt;

use super::Field;

/// Why bytes could not be made from a value, or a value from bytes.
///
/// A codec knows nothing of partitions and offsets; [`DecodeError`] and
/// [`EncodeError`] add where it happened.
#[derive(Debug)]
pub struct CodecError(Box<dyn Error + Send + Sync>);

impl CodecError {
    /// From any error, or from a text.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// The record's value is null and the topic's `Value` type has no place for
    /// a tombstone.
    pub fn tombstone() -> Self {
        Self::new(
            "the value is a tombstone (null); a topic that carries tombstones \
             declares `type Value = OrTombstone<…>`",
        )
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for CodecError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// A consumed record's key or value is not what its topic declares.
#[derive(Debug, thiserror::Error)]
#[error("cannot decode the {field} of {topic}[{partition}]@{offset}: {source}")]
pub struct DecodeError {
    /// The record's topic.
    pub topic: String,
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// Key or value.
    pub field: Field,
    /// What the codec said.
    pub source: CodecError,
}

/// A key or value can't be encoded for its topic. Nothing was produced.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode the {field} for topic {topic}: {source}")]
pub struct EncodeError {
    /// The topic that was to be produced to.
    pub topic: String,
    /// Key or value.
    pub field: Field,
    /// What the codec said.
    pub source: CodecError,
}
