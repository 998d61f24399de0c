use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Bytes, Codec, CodecContext, CodecError, Json, Presence, Text};

/// A value, or Kafka's null: "this key is deleted".
///
/// A topic whose records may be tombstones says so in its type:
/// `type Value = OrTombstone<Customer>`. It is an own type and not `Option`
/// because `Option` has a JSON form already: the four bytes `null`, which are
/// a value to Kafka and survive compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrTombstone<V> {
    /// The key has this value.
    Value(V),
    /// The key was deleted.
    Tombstone,
}

impl<V> OrTombstone<V> {
    /// The value, if it is one.
    pub fn value(&self) -> Option<&V> {
        match self {
            Self::Value(value) => Some(value),
            Self::Tombstone => None,
        }
    }

    /// The value, if it is one, owned.
    pub fn into_value(self) -> Option<V> {
        match self {
            Self::Value(value) => Some(value),
            Self::Tombstone => None,
        }
    }

    /// Whether the key was deleted.
    pub fn is_tombstone(&self) -> bool {
        matches!(self, Self::Tombstone)
    }
}

impl<V> From<Option<V>> for OrTombstone<V> {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Tombstone, Self::Value)
    }
}

/// What a codec does with a value, it does with the same value or a tombstone.
macro_rules! tombstones {
    ($codec:ty, $($bounds:tt)*) => {
        impl<$($bounds)*> Codec<OrTombstone<V>> for $codec {
            fn encode(
                &self,
                value: &OrTombstone<V>,
                out: &mut Vec<u8>,
                context: &CodecContext<'_>,
            ) -> Result<Presence, CodecError> {
                match value {
                    OrTombstone::Value(value) => Codec::<V>::encode(self, value, out, context),
                    OrTombstone::Tombstone => Ok(Presence::Tombstone),
                }
            }

            fn decode(
                &self,
                payload: Option<&[u8]>,
                context: &CodecContext<'_>,
            ) -> Result<OrTombstone<V>, CodecError> {
                match payload {
                    Some(_) => Codec::<V>::decode(self, payload, context).map(OrTombstone::Value),
                    None => Ok(OrTombstone::Tombstone),
                }
            }
        }
    };
}

tombstones!(Json, V: Serialize + DeserializeOwned + Send + Sync + 'static);
tombstones!(Text, V: AsRef<str> + From<String> + Send + Sync + 'static);
tombstones!(Bytes, V: AsRef<[u8]> + From<Vec<u8>> + Send + Sync + 'static);
