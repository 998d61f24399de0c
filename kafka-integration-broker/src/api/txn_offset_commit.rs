use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::{Code, Stop};
use crate::clock::now_ms;
use crate::core::RequestContext;
use crate::groups::{CommitClaim, CommittedOffset, TopicPartition};
use crate::transactions::{Identity, OffsetsToCommit, Protocol};

/// The oldest version whose clients know `TRANSACTION_ABORTABLE`.
const KNOWS_ABORTABLE: i16 = 4;

/// The oldest version that takes the group into the transaction by itself.
const BEGINS: i16 = 5;

/// Commits a group's offsets, if the transaction is.
pub(super) async fn handle(
    cx: &RequestContext,
    request: TxnOffsetCommitRequest,
) -> Result<TxnOffsetCommitResponse, Stop> {
    let now = now_ms();
    let mut offsets = Vec::new();
    let mut any = false;
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let known = cx.core.catalogue.topic(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let index = asked.partition_index;
            let found = known.as_ref().and_then(|topic| topic.partition(index));
            let error = match found {
                None => Some(ResponseError::UnknownTopicOrPartition),
                Some(_) if too_large(cx, asked) => {
                    any = true;
                    Some(ResponseError::OffsetMetadataTooLarge)
                }
                Some(partition) => {
                    any = true;
                    let topic = Arc::clone(&partition.topic_name);
                    let key = TopicPartition {
                        topic,
                        partition: index,
                    };
                    offsets.push((key, committed(asked, now)));
                    None
                }
            };
            partitions.push(
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(index)
                    .with_error_code(error.number()),
            );
        }
        topics.push(
            TxnOffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    if any && let Err(error) = commit(cx, &request, offsets).await {
        let unknown = ResponseError::UnknownTopicOrPartition.number();
        topics
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions)
            .filter(|partition| partition.error_code != unknown)
            .for_each(|partition| partition.error_code = error.number());
    }
    Ok(TxnOffsetCommitResponse::default().with_topics(topics))
}

async fn commit(
    cx: &RequestContext,
    request: &TxnOffsetCommitRequest,
    offsets: Vec<(TopicPartition, CommittedOffset)>,
) -> Result<(), ResponseError> {
    if request.transactional_id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    let who = Identity {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let protocol = if cx.version >= BEGINS {
        Protocol::V2
    } else {
        Protocol::V1
    };
    let offsets = OffsetsToCommit {
        group: Arc::from(&*request.group_id.0),
        claim: CommitClaim {
            member_id: request.member_id.clone(),
            instance_id: request.group_instance_id.clone(),
            generation: request.generation_id,
            version: cx.version,
            transactional: true,
        },
        offsets,
    };
    let transactions = &cx.core.transactions;
    transactions
        .commit_offsets(&request.transactional_id, who, offsets, protocol)
        .await
        .map_err(|error| match error {
            // Here the producer is told as it is with its records.
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            ResponseError::TransactionAbortable if cx.version < KNOWS_ABORTABLE => {
                ResponseError::InvalidTxnState
            }
            other => other,
        })
}

fn too_large(cx: &RequestContext, partition: &TxnOffsetCommitRequestPartition) -> bool {
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    metadata.encode_utf16().count() > cx.core.groups.offset_metadata_max()
}

fn committed(partition: &TxnOffsetCommitRequestPartition, now: i64) -> CommittedOffset {
    let metadata = partition.committed_metadata.as_ref();
    CommittedOffset {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: metadata.map(ToString::to_string).unwrap_or_default(),
        timestamp: now,
    }
}

#[cfg(test)]
mod tests;
