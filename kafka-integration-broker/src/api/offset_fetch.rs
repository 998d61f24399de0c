use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop};
use crate::core::RequestContext;
use crate::groups::{GroupOffsets, TopicPartition};

/// What groups have committed. A group that doesn't exist has committed
/// nothing, which is no error.
pub(super) async fn handle(
    cx: &RequestContext,
    request: OffsetFetchRequest,
) -> Result<OffsetFetchResponse, Stop> {
    let stable = request.require_stable;
    if cx.version >= 8 {
        let mut groups = Vec::with_capacity(request.groups.len());
        for group in &request.groups {
            groups.push(match check_member(cx, group).await {
                Ok(()) => fetch(cx, group, stable),
                Err(error) => OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id.clone())
                    .with_error_code(error.number()),
            });
        }
        return Ok(OffsetFetchResponse::default().with_groups(groups));
    }
    let topics = request
        .topics
        .map(|topics| topics.into_iter().map(widen).collect());
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(request.group_id)
        .with_topics(topics);
    let answer = fetch(cx, &group, stable);
    Ok(OffsetFetchResponse::default()
        .with_error_code(answer.error_code)
        .with_topics(answer.topics.into_iter().map(narrow).collect()))
}

/// Who names a member must be it, in its epoch. Versions below 9 name none.
async fn check_member(
    cx: &RequestContext,
    request: &OffsetFetchRequestGroup,
) -> Result<(), ResponseError> {
    let (id, epoch) = (request.member_id.clone(), request.member_epoch);
    if id.is_none() && epoch < 0 {
        return Ok(());
    }
    let groups = &cx.core.groups;
    groups.check_fetch(&request.group_id, id, epoch).await
}

fn fetch(
    cx: &RequestContext,
    request: &OffsetFetchRequestGroup,
    stable: bool,
) -> OffsetFetchResponseGroup {
    let topics = cx.core.offsets.group(&request.group_id, |offsets| {
        let asked = match &request.topics {
            Some(topics) => topics.clone(),
            None => offsets.map(all).unwrap_or_default(),
        };
        let look = |topic| look_up(offsets, topic, stable);
        asked.into_iter().map(look).collect()
    });
    OffsetFetchResponseGroup::default()
        .with_group_id(request.group_id.clone())
        .with_topics(topics)
}

/// Every partition that the group has an offset for.
fn all(offsets: &GroupOffsets) -> Vec<OffsetFetchRequestTopics> {
    let mut topics = BTreeMap::<&str, Vec<i32>>::new();
    for key in offsets.committed.keys() {
        topics.entry(&key.topic).or_default().push(key.partition);
    }
    let name = |name: &str| TopicName(StrBytes::from_string(name.to_owned()));
    let topic = |(topic, mut partitions): (&str, Vec<i32>)| {
        partitions.sort_unstable();
        OffsetFetchRequestTopics::default()
            .with_name(name(topic))
            .with_partition_indexes(partitions)
    };
    topics.into_iter().map(topic).collect()
}

fn look_up(
    offsets: Option<&GroupOffsets>,
    topic: OffsetFetchRequestTopics,
    stable: bool,
) -> OffsetFetchResponseTopics {
    let name: Arc<str> = Arc::from(&*topic.name.0);
    let look = |partition| {
        let key = TopicPartition {
            topic: Arc::clone(&name),
            partition,
        };
        let answer = OffsetFetchResponsePartitions::default()
            .with_partition_index(partition)
            .with_committed_offset(-1)
            .with_committed_leader_epoch(-1)
            .with_metadata(Some(StrBytes::default()));
        if stable && offsets.is_some_and(|offsets| offsets.is_pending(&key)) {
            return answer.with_error_code(ResponseError::UnstableOffsetCommit.number());
        }
        match offsets.and_then(|offsets| offsets.committed.get(&key)) {
            None => answer,
            Some(committed) => answer
                .with_committed_offset(committed.offset)
                .with_committed_leader_epoch(committed.leader_epoch)
                .with_metadata(Some(StrBytes::from_string(committed.metadata.clone()))),
        }
    };
    OffsetFetchResponseTopics::default()
        .with_partitions(topic.partition_indexes.into_iter().map(look).collect())
        .with_name(topic.name)
}

/// A topic as versions below 8 name it, in the later form.
fn widen(topic: OffsetFetchRequestTopic) -> OffsetFetchRequestTopics {
    OffsetFetchRequestTopics::default()
        .with_name(topic.name)
        .with_partition_indexes(topic.partition_indexes)
}

/// An answer in the form of versions below 8.
fn narrow(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partition = |one: OffsetFetchResponsePartitions| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(one.partition_index)
            .with_committed_offset(one.committed_offset)
            .with_committed_leader_epoch(one.committed_leader_epoch)
            .with_metadata(one.metadata)
            .with_error_code(one.error_code)
    };
    OffsetFetchResponseTopic::default()
        .with_name(topic.name)
        .with_partitions(topic.partitions.into_iter().map(partition).collect())
}
