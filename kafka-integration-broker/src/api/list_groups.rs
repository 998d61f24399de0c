use kafka_protocol::messages::{ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: ListGroupsRequest,
) -> Result<ListGroupsResponse, Stop> {
    Ok(match cx.core.groups.list().await {
        Ok(mut groups) => {
            groups.retain(|group| {
                passes(&request.states_filter, &group.group_state)
                    && passes(&request.types_filter, &group.group_type)
            });
            ListGroupsResponse::default().with_groups(groups)
        }
        Err(error) => ListGroupsResponse::default().with_error_code(error.number()),
    })
}

/// An empty filter lets all through; case doesn't matter.
fn passes(filter: &[StrBytes], value: &str) -> bool {
    filter.is_empty() || filter.iter().any(|one| one.eq_ignore_ascii_case(value))
}
