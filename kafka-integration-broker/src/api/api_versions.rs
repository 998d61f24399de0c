use kafka_protocol::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Stop;
use crate::core::RequestContext;
use crate::wire::SERVED;

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
    _request: ApiVersionsRequest,
) -> Result<ApiVersionsResponse, Stop> {
    Ok(answer(cx.version))
}

/// What is served; the same for everybody who asks in this version.
pub(crate) fn answer(version: i16) -> ApiVersionsResponse {
    let row = |served: &crate::wire::Served| {
        ApiVersion::default()
            .with_api_key(served.key as i16)
            .with_min_version(served.min)
            .with_max_version(served.max)
    };
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
}
