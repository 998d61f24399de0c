use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::{Code, Stop};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: SyncGroupRequest,
) -> Result<SyncGroupResponse, Stop> {
    let unnamed = request.protocol_type.is_none() || request.protocol_name.is_none();
    if cx.version >= 5 && unnamed {
        let error = ResponseError::InconsistentGroupProtocol;
        return Ok(SyncGroupResponse::default().with_error_code(error.number()));
    }
    Ok(cx.core.groups.sync(request).await)
}
