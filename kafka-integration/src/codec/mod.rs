//! Serialize and deserialize hooks: how keys and values become bytes.
//!
//! A topic names a [`Codec`] for its value; its key type implements [`Key`].
//! [`Json`], [`Text`] and [`Bytes`] come with the framework; an own codec is
//! one implementation of the trait:
//!
//! ```
//! use kafka_integration::codec::{Codec, CodecContext, CodecError, Presence};
//!
//! /// A temperature as four bytes, big endian.
//! #[derive(Default)]
//! struct Kelvin;
//!
//! impl Codec<f32> for Kelvin {
//!     fn encode(&self, value: &f32, out: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<Presence, CodecError> {
//!         out.extend_from_slice(&value.to_be_bytes());
//!         Ok(Presence::Value)
//!     }
//!
//!     fn decode(&self, payload: Option<&[u8]>, _: &CodecContext<'_>) -> Result<f32, CodecError> {
//!         let bytes = payload.ok_or_else(CodecError::tombstone)?;
//!         let bytes = bytes.try_into().map_err(CodecError::new)?;
//!         Ok(f32::from_be_bytes(bytes))
//!     }
//! }
//! ```

mod error;
mod key;
mod tombstone;
mod values;

pub use error::{CodecError, DecodeError, EncodeError};
pub use key::{JsonKey, Key};
pub use tombstone::OrTombstone;
pub use values::{Bytes, Json, Text};

use crate::message::Headers;

/// Which part of a record is being encoded or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The record's key.
    Key,
    /// The record's value.
    Value,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

/// What a codec may want to know about the record.
#[derive(Debug, Clone, Copy)]
pub struct CodecContext<'a> {
    /// The topic's name; for a regex topic, the one that matched.
    pub topic: &'a str,
    /// Whether this is the key or the value.
    pub field: Field,
    /// The record's headers.
    pub headers: &'a Headers,
}

/// Whether an encoded value is there or is a tombstone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The bytes written are the value (an empty value is a value).
    Value,
    /// The value is null: a tombstone. What was written is ignored.
    Tombstone,
}

/// Turns values of type `V` into bytes and back.
///
/// `Default` makes the codec from nothing, once per call: a codec that needs a
/// connection or a cache keeps it in a place it can find again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec for values of type `{V}`",
    label = "not a codec for `{V}`",
    note = "codecs are `Json`, `Text`, `Bytes`, or a type that implements `Codec<{V}>`"
)]
pub trait Codec<V>: Default + Send + Sync + 'static {
    /// Appends the value's bytes to `out`, which is empty.
    ///
    /// # Errors
    /// When the value can't be represented. The produce call fails with it.
    fn encode(
        &self,
        value: &V,
        out: &mut Vec<u8>,
        context: &CodecContext<'_>,
    ) -> Result<Presence, CodecError>;

    /// Makes the value from a record's payload; `None` is a tombstone.
    ///
    /// # Errors
    /// When the bytes are not a `V`. The framework adds topic, partition and
    /// offset; the message is handled like one whose handler failed.
    fn decode(&self, payload: Option<&[u8]>, context: &CodecContext<'_>) -> Result<V, CodecError>;
}
