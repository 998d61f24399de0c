use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop};
use crate::core::RequestContext;
use crate::wire::{SERVED, Served};

/// The feature that lets Java and franz-go begin transactions by writing.
const TRANSACTION_VERSION: &str = "transaction.version";
const TRANSACTION_VERSION_LEVEL: i16 = 2;

/// The first version with features.
const FEATURES: i16 = 3;
/// The first version whose clients can read a feature that begins at 0.
const FEATURES_FROM_ZERO: i16 = 4;

/// Answers with what this broker serves.
pub(super) async fn handle(
    cx: &RequestContext,
    request: ApiVersionsRequest,
) -> Result<ApiVersionsResponse, Stop> {
    let names = [
        &request.client_software_name,
        &request.client_software_version,
    ];
    if cx.version >= FEATURES && !names.iter().all(|name| is_software_name(name)) {
        let invalid = ResponseError::InvalidRequest.number();
        return Ok(ApiVersionsResponse::default().with_error_code(invalid));
    }
    Ok(answer(cx.version))
}

/// Letters and digits, with dots and dashes between them.
fn is_software_name(name: &str) -> bool {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let mut inner = bytes.iter();
    is_plain(bytes.first())
        && is_plain(bytes.last())
        && inner.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// For a client that asks in a version that is not served: in which it may.
pub(crate) fn too_new() -> ApiVersionsResponse {
    let own = SERVED.iter().filter(|row| row.key == ApiKey::ApiVersions);
    ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.number())
        .with_api_keys(own.map(row).collect())
}

fn row(served: &Served) -> ApiVersion {
    ApiVersion::default()
        .with_api_key(served.key as i16)
        .with_min_version(served.min)
        .with_max_version(served.max)
}

/// What is served; the same for everybody who asks in this version.
pub(super) fn answer(version: i16) -> ApiVersionsResponse {
    let mut answer = ApiVersionsResponse::default()
        .with_api_keys(SERVED.iter().map(row).collect())
        // At -1 Java ignores whatever features are named.
        .with_finalized_features_epoch(0);
    let name = StrBytes::from_static_str(TRANSACTION_VERSION);
    if version >= FEATURES {
        let level = FinalizedFeatureKey::default()
            .with_name(name.clone())
            .with_min_version_level(TRANSACTION_VERSION_LEVEL)
            .with_max_version_level(TRANSACTION_VERSION_LEVEL);
        answer.finalized_features.push(level);
    }
    if version >= FEATURES_FROM_ZERO {
        let supported = SupportedFeatureKey::default()
            .with_name(name)
            .with_min_version(0)
            .with_max_version(TRANSACTION_VERSION_LEVEL);
        answer.supported_features.push(supported);
    }
    answer
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn features_are_named_only_where_clients_can_read_them() {
        for (version, supported, finalised) in
            [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 1), (4, 1, 1)]
        {
            let mut bytes = BytesMut::new();
            answer(version).encode(&mut bytes, version).expect("encode");
            let mut bytes: Bytes = bytes.freeze();
            let read = ApiVersionsResponse::decode(&mut bytes, version).expect("decode");
            assert_eq!(read.supported_features.len(), supported, "{version}");
            assert_eq!(read.finalized_features.len(), finalised, "{version}");
        }
    }

    #[test]
    fn software_is_named_as_in_apache_kafka() {
        for name in ["a", "4", "apache-kafka-java", "2.12.1-librdkafka-2.12.1"] {
            assert!(is_software_name(name), "{name}");
        }
        for name in ["", "-a", "a.", "a b", "a_b", "\u{e9}"] {
            assert!(!is_software_name(name), "{name}");
        }
    }
}
