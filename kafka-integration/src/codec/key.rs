use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CodecError;

/// A type that can be a record's key.
///
/// The bytes decide the partition, so they must not change between releases of
/// an application. Integers are big endian, as Kafka's own `LongSerializer` and
/// `IntegerSerializer` write them; text is UTF-8. `()` is for topics without
/// keys: it writes nothing and accepts any key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the key of a topic",
    label = "not a type of key",
    note = "keys are `String`, an integer, bytes, `()` for none, `JsonKey<{Self}>` for a type with serde's derives, or a type that implements `Key`"
)]
pub trait Key: Sized + Send + Sync + 'static {
    /// Whether values of this type are a key at all; `false` for `()`, which
    /// stands for "no key".
    const PRESENT: bool = true;

    /// Appends the key's bytes to `out`, which is empty.
    ///
    /// # Errors
    /// When the key can't be represented.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Makes the key from a record's key bytes.
    ///
    /// # Errors
    /// When the bytes are not such a key.
    fn decode(bytes: &[u8]) -> Result<Self, CodecError>;
}

impl Key for () {
    const PRESENT: bool = false;

    fn encode(&self, _: &mut Vec<u8>) -> Result<(), CodecError> {
        Ok(())
    }

    fn decode(_: &[u8]) -> Result<Self, CodecError> {
        Ok(())
    }
}

impl Key for String {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(self.as_bytes());
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(CodecError::new)
    }
}

impl Key for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Ok(bytes.to_vec())
    }
}

impl Key for bytes::Bytes {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Ok(Self::copy_from_slice(bytes))
    }
}

macro_rules! integer_keys {
    ($($integer:ty),*) => {$(
        impl Key for $integer {
            fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
                out.extend_from_slice(&self.to_be_bytes());
                Ok(())
            }

            fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
                let exact = bytes.try_into().map_err(|_| {
                    CodecError::new(format!(
                        "a {} key has {} bytes, this one has {}",
                        stringify!($integer),
                        size_of::<$integer>(),
                        bytes.len(),
                    ))
                })?;
                Ok(<$integer>::from_be_bytes(exact))
            }
        }
    )*};
}

integer_keys!(i16, i32, i64, u16, u32, u64);

/// A key that is JSON, such as `{"tenant":7,"customer":"ann"}`.
///
/// Field order is that of the type's declaration; changing it changes the
/// partition a key goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JsonKey<K>(pub K);

impl<K> From<K> for JsonKey<K> {
    fn from(key: K) -> Self {
        Self(key)
    }
}

impl<K: Serialize + DeserializeOwned + Send + Sync + 'static> Key for JsonKey<K> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        serde_json::to_writer(out, &self.0).map_err(CodecError::new)
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        serde_json::from_slice(bytes)
            .map(Self)
            .map_err(CodecError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<K: Key + PartialEq + std::fmt::Debug>(key: K, expected: &[u8]) {
        let mut bytes = Vec::new();
        key.encode(&mut bytes).expect("encodes");
        assert_eq!(bytes, expected);
        assert_eq!(K::decode(&bytes).expect("decodes"), key);
    }

    #[test]
    fn keys_have_the_bytes_of_kafkas_own_serializers() {
        round_trip(7_i64, &[0, 0, 0, 0, 0, 0, 0, 7]);
        round_trip(-1_i32, &[0xff; 4]);
        round_trip("ann".to_owned(), b"ann");
        round_trip(vec![1_u8, 2], &[1, 2]);
        round_trip(JsonKey(("a".to_owned(), 1_u8)), br#"["a",1]"#);
    }

    #[test]
    fn a_key_of_the_wrong_length_says_both_lengths() {
        let error = i64::decode(b"abc").expect_err("too short");
        assert_eq!(error.to_string(), "a i64 key has 8 bytes, this one has 3");
    }
}
