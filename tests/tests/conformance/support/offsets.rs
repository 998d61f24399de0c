//! Committed offsets on raw requests.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest};

use super::Target;
use super::codes::*;
use super::groups::Member;
use super::shapes::{group_id, text};
use super::topics::Topic;

/// A commit for one partition, of no member.
pub fn commit(group: &str, topic: &Topic, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("note")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic.name())
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

/// OffsetFetch 8 and 9: these partitions, or all.
pub fn fetch_offsets(group: &str, asked: Option<&[(&Topic, &[i32])]>) -> OffsetFetchRequest {
    let topics = asked.map(|asked| {
        let topics = asked.iter().map(|(topic, partitions)| {
            OffsetFetchRequestTopics::default()
                .with_name(topic.name())
                .with_partition_indexes(partitions.to_vec())
        });
        topics.collect()
    });
    let asked = OffsetFetchRequestGroup::default()
        .with_group_id(group_id(group))
        .with_member_epoch(-1)
        .with_topics(topics);
    OffsetFetchRequest::default().with_groups(vec![asked])
}

impl Target {
    /// Commits for a group without members, which has to go well.
    pub async fn commit(&self, group: &str, topic: &Topic, offset: i64) {
        let answer = self.call(8, commit(group, topic, 0, offset)).await;
        assert_eq!(answer.topics[0].partitions[0].error_code, NONE);
    }

    /// Offset and error of partition 0, with or without unstable ones.
    pub async fn committed(&self, group: &str, topic: &Topic, stable: bool) -> (i64, i16) {
        let request = fetch_offsets(group, Some(&[(topic, &[0])])).with_require_stable(stable);
        let response = self.call(8, request).await;
        let group = &response.groups[0];
        assert_eq!(group.error_code, NONE);
        let partition = &group.topics[0].partitions[0];
        (partition.committed_offset, partition.error_code)
    }
}

impl Member {
    /// Commits as this member with any version; the partition's error.
    pub async fn commit(&mut self, version: i16, topic: &Topic, offset: i64) -> i16 {
        let request = commit(&self.group, topic, 0, offset)
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(text(&*self.id));
        let request = match &self.instance {
            Some(instance) => request.with_group_instance_id(Some(text(&**instance))),
            None => request,
        };
        let answer = self.connection.call(version, request).await;
        answer.topics[0].partitions[0].error_code
    }
}
