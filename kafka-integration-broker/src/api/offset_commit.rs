use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::{Code, Stop};
use crate::clock::now_ms;
use crate::core::RequestContext;
use crate::groups::{CommitClaim, CommittedOffset, TopicPartition};

pub(super) async fn handle(
    cx: &RequestContext,
    request: OffsetCommitRequest,
) -> Result<OffsetCommitResponse, Stop> {
    let now = now_ms();
    let mut offsets = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    // Whether any partition exists: if none does, the group is not asked.
    let mut any = false;
    for topic in &request.topics {
        let known = cx.core.catalogue.topic(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let partition = known
                .as_ref()
                .and_then(|topic| topic.partition(asked.partition_index));
            let error = match &partition {
                None => Some(ResponseError::UnknownTopicOrPartition),
                Some(_) => {
                    any = true;
                    too_large(cx, asked).then_some(ResponseError::OffsetMetadataTooLarge)
                }
            };
            if let (Some(partition), None) = (partition, error) {
                let key = TopicPartition {
                    topic: Arc::clone(&partition.topic_name),
                    partition: asked.partition_index,
                };
                offsets.push((key, committed(asked, now)));
            }
            partitions.push(
                OffsetCommitResponsePartition::default()
                    .with_partition_index(asked.partition_index)
                    .with_error_code(error.number()),
            );
        }
        topics.push(
            OffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    let mut response = OffsetCommitResponse::default().with_topics(topics);
    if any {
        let claim = CommitClaim {
            member_id: request.member_id,
            instance_id: request.group_instance_id,
            generation: request.generation_id_or_member_epoch,
            version: cx.version,
            transactional: false,
        };
        let group = &cx.core.groups;
        if let Err(error) = group.commit(&request.group_id, claim, offsets).await {
            refuse(&mut response, error);
        }
    }
    Ok(response)
}

/// The group's error, for all but the partitions that don't exist.
fn refuse(response: &mut OffsetCommitResponse, error: ResponseError) {
    let unknown = ResponseError::UnknownTopicOrPartition.number();
    let partitions = response
        .topics
        .iter_mut()
        .flat_map(|topic| &mut topic.partitions);
    for partition in partitions.filter(|one| one.error_code != unknown) {
        partition.error_code = error.number();
    }
}

fn too_large(cx: &RequestContext, partition: &OffsetCommitRequestPartition) -> bool {
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    metadata.encode_utf16().count() > cx.core.groups.offset_metadata_max()
}

fn committed(partition: &OffsetCommitRequestPartition, now: i64) -> CommittedOffset {
    let metadata = partition.committed_metadata.as_ref();
    CommittedOffset {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: metadata.map(ToString::to_string).unwrap_or_default(),
        timestamp: now,
    }
}
