use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::{Code, Stop};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: HeartbeatRequest,
) -> Result<HeartbeatResponse, Stop> {
    let outcome = cx.core.groups.heartbeat(request).await;
    Ok(HeartbeatResponse::default().with_error_code(outcome.err().number()))
}
