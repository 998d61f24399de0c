use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::admin::Problem;
use super::{Code, Stop};
use crate::core::RequestContext;
use crate::log::Topic;

const UP_TO_HIGH_WATERMARK: i64 = -1;

/// Deletes records before an offset. A cut inside a batch moves only the start
/// of the log; the batch goes when the cut reaches its end.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DeleteRecordsRequest,
) -> Result<DeleteRecordsResponse, Stop> {
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let topic = cx.core.catalogue.topic(&asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in asked.partitions {
            let answer = DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index);
            partitions.push(match delete(cx, topic.as_ref(), &partition).await {
                Ok(start) => answer.with_low_watermark(start),
                Err(error) => answer
                    .with_low_watermark(-1)
                    .with_error_code(error.number()),
            });
        }
        topics.push(
            DeleteRecordsTopicResult::default()
                .with_name(asked.name)
                .with_partitions(partitions),
        );
    }
    Ok(DeleteRecordsResponse::default().with_topics(topics))
}

/// Returns where the log begins now.
async fn delete(
    cx: &RequestContext,
    topic: Option<&Arc<Topic>>,
    asked: &DeleteRecordsPartition,
) -> Result<i64, ResponseError> {
    let topic = topic.ok_or(ResponseError::UnknownTopicOrPartition)?;
    let partition = topic
        .partition(asked.partition_index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    // A compacted topic promises to keep the newest of each key.
    if !topic.config().cleanup_policy.delete {
        return Err(ResponseError::PolicyViolation);
    }
    let end = partition.view(|view| view.high_watermark);
    let offset = match asked.offset {
        UP_TO_HIGH_WATERMARK => end,
        offset if (0..=end).contains(&offset) => offset,
        _ => return Err(ResponseError::OffsetOutOfRange),
    };
    let trimmed = cx.core.writer.trim(partition, offset).await;
    trimmed.map_err(|error| Problem::from(error).error)
}
