use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};

use super::Stop;
use crate::core::RequestContext;
use crate::groups::Client;

pub(super) async fn handle(
    cx: &RequestContext,
    request: JoinGroupRequest,
) -> Result<JoinGroupResponse, Stop> {
    let mut response = cx.core.groups.join(Client::of(cx), request).await;
    if cx.version < 7 {
        // Null came later.
        response.protocol_name = Some(response.protocol_name.unwrap_or_default());
    }
    Ok(response)
}
