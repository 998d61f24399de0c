use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop, operations};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: DescribeGroupsRequest,
) -> Result<DescribeGroupsResponse, Stop> {
    let with_operations = request.include_authorized_operations;
    let mut groups = Vec::with_capacity(request.groups.len());
    for id in request.groups {
        groups.push(match cx.core.groups.describe(&id).await {
            Ok(Some(group)) => group,
            Ok(None) => missing(cx, id),
            Err(error) => DescribedGroup::default()
                .with_group_id(id)
                .with_error_code(error.number()),
        });
    }
    if with_operations {
        for group in groups.iter_mut().filter(|group| group.error_code == 0) {
            group.authorized_operations = operations::ON_GROUP;
        }
    }
    Ok(DescribeGroupsResponse::default().with_groups(groups))
}

/// A group that doesn't exist is a dead one, and from version 6 an error.
fn missing(cx: &RequestContext, id: GroupId) -> DescribedGroup {
    let text = format!("Group {} not found.", &*id);
    let dead = DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(StrBytes::from_static_str("Dead"));
    if cx.version < 6 {
        return dead;
    }
    dead.with_error_code(ResponseError::GroupIdNotFound.number())
        .with_error_message(Some(StrBytes::from_string(text)))
}
