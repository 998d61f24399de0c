use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop};
use crate::core::{NODE, RequestContext};

/// Groups, then transactional ids; later kinds are not served.
const KINDS: std::ops::RangeInclusive<i8> = 0..=1;

/// This node coordinates everything.
pub(super) async fn handle(
    cx: &RequestContext,
    request: FindCoordinatorRequest,
) -> Result<FindCoordinatorResponse, Stop> {
    let known = KINDS.contains(&request.key_type);
    let find = |key| found(cx, key, known);
    if cx.version >= 4 {
        let coordinators = request.coordinator_keys.into_iter().map(find).collect();
        return Ok(FindCoordinatorResponse::default().with_coordinators(coordinators));
    }
    let mut one = find(request.key);
    if known && cx.version > 0 {
        // Apache Kafka's name of no error.
        one.error_message = Some(StrBytes::from_static_str("NONE"));
    }
    Ok(FindCoordinatorResponse::default()
        .with_error_code(one.error_code)
        .with_error_message(one.error_message)
        .with_node_id(one.node_id)
        .with_host(one.host)
        .with_port(one.port))
}

fn found(cx: &RequestContext, key: StrBytes, known: bool) -> Coordinator {
    let answer = Coordinator::default().with_key(key);
    if known {
        return answer
            .with_node_id(NODE)
            .with_host(cx.core.advertised.host.clone())
            .with_port(i32::from(cx.core.advertised.port));
    }
    answer
        .with_node_id(BrokerId(-1))
        .with_port(-1)
        .with_error_code(ResponseError::InvalidRequest.number())
        .with_error_message(Some(StrBytes::from_static_str(
            "groups have key type 0, transactions 1; others have no coordinator here",
        )))
}
