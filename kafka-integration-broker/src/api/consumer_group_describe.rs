use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop, operations};
use crate::core::RequestContext;

pub(super) async fn handle(
    cx: &RequestContext,
    request: ConsumerGroupDescribeRequest,
) -> Result<ConsumerGroupDescribeResponse, Stop> {
    let mut groups = Vec::with_capacity(request.group_ids.len());
    for id in request.group_ids {
        let failed = DescribedGroup::default().with_group_id(id.clone());
        if id.is_empty() {
            groups.push(failed.with_error_code(ResponseError::InvalidGroupId.number()));
            continue;
        }
        groups.push(
            match cx.core.groups.consumer_describe(&id, cx.version).await {
                Ok(group) if request.include_authorized_operations => {
                    group.with_authorized_operations(operations::ON_GROUP)
                }
                Ok(group) => group,
                Err(refused) => failed
                    .with_error_code(refused.error.number())
                    .with_error_message(Some(StrBytes::from_string(refused.message))),
            },
        );
    }
    Ok(ConsumerGroupDescribeResponse::default().with_groups(groups))
}
