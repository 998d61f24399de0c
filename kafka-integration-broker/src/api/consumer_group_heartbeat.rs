use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use super::Stop;
use crate::core::RequestContext;
use crate::groups::Client;

pub(super) async fn handle(
    cx: &RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, Stop> {
    let groups = &cx.core.groups;
    let answer = groups.consumer_heartbeat(Client::of(cx), request).await;
    Ok(answer.unwrap_or_else(Into::into))
}
