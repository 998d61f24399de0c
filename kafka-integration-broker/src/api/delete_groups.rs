use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::{Code, Stop};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: DeleteGroupsRequest,
) -> Result<DeleteGroupsResponse, Stop> {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for id in request.groups_names {
        let outcome = cx.core.groups.delete(&id).await;
        results.push(
            DeletableGroupResult::default()
                .with_group_id(id)
                .with_error_code(outcome.err().number()),
        );
    }
    Ok(DeleteGroupsResponse::default().with_results(results))
}
