//! The header of a request, versions 1 and 2.

use std::borrow::Cow;

use super::walk::Walk;
use super::{Malformed, shape_of};

const API_VERSIONS: i16 = 18;

/// What comes before the body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestHeader<'a> {
    pub(crate) api_key: i16,
    pub(crate) api_version: i16,
    pub(crate) correlation_id: i32,
    /// Empty when the client sent none, and with the replacement character
    /// where it sent no UTF-8, as in Kafka.
    pub(crate) client_id: Cow<'a, str>,
}

/// Reads the header and says where in the frame the body begins.
///
/// Its own tagged fields are walked and left out: Kafka has none that it knows.
///
/// # Errors
/// [`Malformed::Unsupported`] when the API is unknown or the version is not in
/// Kafka's table, since the header's own shape hangs on them. ApiVersions is
/// read in any version, because a client asks it to learn which to use; for one
/// that is too high only the header may be read. [`Malformed::Field`] when the
/// frame ends too early.
pub(crate) fn request_header(frame: &[u8]) -> Result<(RequestHeader<'_>, usize), Malformed> {
    let mut walk = Walk::new("RequestHeader", frame, 0, false);
    let api_key = i16::from_be_bytes(walk.about("RequestApiKey").array()?);
    let api_version = i16::from_be_bytes(walk.about("RequestApiVersion").array()?);
    let correlation_id = i32::from_be_bytes(walk.about("CorrelationId").array()?);
    let shape = shape_of(api_key)
        .filter(|shape| shape.versions.contains(api_version) || api_key == API_VERSIONS)
        .ok_or(Malformed::Unsupported {
            api_key,
            api_version,
        })?;
    // In every version a string with a length of two bytes, so that older
    // brokers can read the header of a newer ApiVersions.
    let length = walk.about("ClientId").short_length()?;
    let client_id = String::from_utf8_lossy(walk.take(length.unwrap_or(0))?);
    if shape.flexible.contains(api_version) {
        walk.unknown_tagged()?;
    }
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id,
        client_id,
    };
    Ok((header, walk.at()))
}
