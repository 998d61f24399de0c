use bytes::{Buf, Bytes};

/// A request before its body is read.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) api_key: i16,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    /// Key, version, client id and the body, as they came.
    pub(crate) bytes: Bytes,
}

/// A frame too short to say what it is.
#[derive(Debug, thiserror::Error)]
#[error("a frame of {0} bytes is shorter than a request's header")]
pub(crate) struct HeaderError(usize);

impl Frame {
    /// Reads the part of the header that all its versions share.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, HeaderError> {
        let Some(mut fixed) = bytes.get(..8) else {
            return Err(HeaderError(bytes.len()));
        };
        Ok(Self {
            api_key: fixed.get_i16(),
            version: fixed.get_i16(),
            correlation_id: fixed.get_i32(),
            bytes,
        })
    }
}
