use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::{Code, Stop};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: DeleteGroupsRequest,
) -> Result<DeleteGroupsResponse, Stop> {
    let mut results = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let names = request.groups_names.into_iter();
    // One named twice is answered once.
    for id in names.filter(|id| seen.insert(id.clone())) {
        let outcome = cx.core.groups.delete(&id).await;
        results.push(
            DeletableGroupResult::default()
                .with_group_id(id)
                .with_error_code(outcome.err().number()),
        );
    }
    Ok(DeleteGroupsResponse::default().with_results(results))
}
