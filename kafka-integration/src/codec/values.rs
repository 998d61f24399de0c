use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, CodecContext, CodecError, Presence};

/// JSON by `serde_json`: any value that serde can serialize and deserialize.
#[derive(Debug, Default, Clone, Copy)]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Codec<V> for Json {
    fn encode(
        &self,
        value: &V,
        out: &mut Vec<u8>,
        _: &CodecContext<'_>,
    ) -> Result<Presence, CodecError> {
        serde_json::to_writer(out, value).map_err(CodecError::new)?;
        Ok(Presence::Value)
    }

    fn decode(&self, payload: Option<&[u8]>, _: &CodecContext<'_>) -> Result<V, CodecError> {
        let bytes = payload.ok_or_else(CodecError::tombstone)?;
        // One look at the whole text is much cheaper than one at each string in
        // it. Without it serde_json says where a text is not UTF-8, and takes one
        // that is so only where nobody looks.
        match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(bytes),
        }
        .map_err(CodecError::new)
    }
}

/// UTF-8 text: `String` and what converts to and from it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Text;

impl<V: AsRef<str> + From<String>> Codec<V> for Text {
    fn encode(
        &self,
        value: &V,
        out: &mut Vec<u8>,
        _: &CodecContext<'_>,
    ) -> Result<Presence, CodecError> {
        out.extend_from_slice(value.as_ref().as_bytes());
        Ok(Presence::Value)
    }

    fn decode(&self, payload: Option<&[u8]>, _: &CodecContext<'_>) -> Result<V, CodecError> {
        let bytes = payload.ok_or_else(CodecError::tombstone)?;
        let text = std::str::from_utf8(bytes).map_err(CodecError::new)?;
        Ok(V::from(text.to_owned()))
    }
}

/// The bytes as they are: `Vec<u8>`, [`bytes::Bytes`] and what converts to and
/// from them.
#[derive(Debug, Default, Clone, Copy)]
pub struct Bytes;

impl<V: AsRef<[u8]> + From<Vec<u8>>> Codec<V> for Bytes {
    fn encode(
        &self,
        value: &V,
        out: &mut Vec<u8>,
        _: &CodecContext<'_>,
    ) -> Result<Presence, CodecError> {
        out.extend_from_slice(value.as_ref());
        Ok(Presence::Value)
    }

    fn decode(&self, payload: Option<&[u8]>, _: &CodecContext<'_>) -> Result<V, CodecError> {
        let bytes = payload.ok_or_else(CodecError::tombstone)?;
        Ok(V::from(bytes.to_vec()))
    }
}
