use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::{Code, Stop, leader_epoch_problem};
use crate::core::RequestContext;
use crate::log::{LEADER_EPOCH, Partition};
use crate::store::StorageError;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

/// Finds offsets by what they are (first, last) or by time.
pub(super) async fn handle(
    cx: &RequestContext,
    request: ListOffsetsRequest,
) -> Result<ListOffsetsResponse, Stop> {
    let committed_only = request.isolation_level == 1;
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let partition = cx
                .core
                .catalogue
                .partition(&topic.name, asked.partition_index);
            let found = match partition {
                None => Err(ResponseError::UnknownTopicOrPartition),
                Some(partition) => find(cx, &partition, &asked, committed_only).await,
            };
            let answer =
                ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
            partitions.push(match found {
                Ok((timestamp, offset)) => {
                    let answer = answer.with_timestamp(timestamp).with_offset(offset);
                    if cx.version >= 4 && offset >= 0 {
                        answer.with_leader_epoch(LEADER_EPOCH)
                    } else {
                        answer
                    }
                }
                Err(error) => answer
                    .with_error_code(error.number())
                    .with_timestamp(-1)
                    .with_offset(-1),
            });
        }
        topics.push(
            ListOffsetsTopicResponse::default()
                .with_name(topic.name)
                .with_partitions(partitions),
        );
    }
    Ok(ListOffsetsResponse::default().with_topics(topics))
}

/// The record's timestamp and its offset; -1 for what there is none of.
async fn find(
    cx: &RequestContext,
    partition: &Partition,
    asked: &ListOffsetsPartition,
    committed_only: bool,
) -> Result<(i64, i64), ResponseError> {
    if let Some(error) = leader_epoch_problem(asked.current_leader_epoch) {
        return Err(error);
    }
    let (start, end) = partition.view(|view| {
        let end = if committed_only {
            view.last_stable_offset()
        } else {
            view.high_watermark
        };
        (view.log_start, end)
    });
    let found = match asked.timestamp {
        LATEST => return Ok((-1, end)),
        EARLIEST => return Ok((-1, start)),
        MAX_TIMESTAMP if cx.version >= 7 => partition.greatest_timestamp(&cx.core.reader).await,
        EARLIEST_LOCAL if cx.version >= 8 => return Ok((-1, start)),
        LATEST_TIERED if cx.version >= 9 => return Ok((-1, -1)),
        timestamp if timestamp >= 0 => partition.first_since(&cx.core.reader, timestamp).await,
        _ => return Err(ResponseError::UnsupportedVersion),
    };
    let found = found.map_err(|error: StorageError| {
        tracing::error!(%error, "a partition could not be searched");
        ResponseError::KafkaStorageError
    })?;
    Ok(found
        .filter(|(_, offset)| *offset < end)
        .unwrap_or((-1, -1)))
}
