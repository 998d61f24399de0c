use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::Stop;
use crate::core::RequestContext;

/// Before version 3 a request named one member, whose error was the answer's.
pub(super) async fn handle(
    cx: &RequestContext,
    mut request: LeaveGroupRequest,
) -> Result<LeaveGroupResponse, Stop> {
    if cx.version < 3 {
        let member = MemberIdentity::default().with_member_id(request.member_id.clone());
        request.members = vec![member];
    }
    let mut response = cx.core.groups.leave(request).await;
    if cx.version < 3 {
        let members = std::mem::take(&mut response.members);
        if let (0, Some(member)) = (response.error_code, members.first()) {
            response.error_code = member.error_code;
        }
    }
    Ok(response)
}
