use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::Stop;
use crate::core::RequestContext;
use crate::wire::SERVED;

/// Answers with what this broker serves.
///
/// No feature is finalised: that keeps Java and franz-go on the transaction
/// protocol that is served, see [`SERVED`].
pub(super) async fn handle(
    _cx: &RequestContext,
    _request: ApiVersionsRequest,
) -> Result<ApiVersionsResponse, Stop> {
    Ok(answer())
}

/// What is served; the same for everybody.
pub(super) fn answer() -> ApiVersionsResponse {
    let row = |served: &crate::wire::Served| {
        ApiVersion::default()
            .with_api_key(served.key as i16)
            .with_min_version(served.min)
            .with_max_version(served.max)
    };
    ApiVersionsResponse::default()
        .with_api_keys(SERVED.iter().map(row).collect())
        // At -1 Java ignores whatever features are named.
        .with_finalized_features_epoch(0)
}
