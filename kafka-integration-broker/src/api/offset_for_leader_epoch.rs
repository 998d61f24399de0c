use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::{Code, Stop, leader_epoch_problem};
use crate::core::RequestContext;
use crate::log::LEADER_EPOCH;

/// Says where a leader epoch ended. There is only one, which goes on.
pub(super) async fn handle(
    cx: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> Result<OffsetForLeaderEpochResponse, Stop> {
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|asked| end_of(cx, &topic.topic, asked))
                .collect();
            OffsetForLeaderTopicResult::default()
                .with_topic(topic.topic)
                .with_partitions(partitions)
        })
        .collect();
    Ok(OffsetForLeaderEpochResponse::default().with_topics(topics))
}

fn end_of(cx: &RequestContext, topic: &str, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let answer = EpochEndOffset::default()
        .with_partition(asked.partition)
        .with_leader_epoch(-1)
        .with_end_offset(-1);
    let Some(partition) = cx.core.catalogue.partition(topic, asked.partition) else {
        return answer.with_error_code(ResponseError::UnknownTopicOrPartition.number());
    };
    if let Some(error) = leader_epoch_problem(asked.current_leader_epoch) {
        return answer.with_error_code(error.number());
    }
    if asked.leader_epoch == LEADER_EPOCH {
        let end = partition.view(|view| view.high_watermark);
        return answer.with_leader_epoch(LEADER_EPOCH).with_end_offset(end);
    }
    answer
}
