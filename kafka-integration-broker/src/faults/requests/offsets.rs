//! What groups have committed.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetFetchRequest, OffsetFetchResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use crate::api::{Code, Stop};
use crate::core::RequestContext;

impl Faultable for OffsetCommitRequest {
    type Answer = OffsetCommitResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let group = self.group_id.clone();
        cut_list(
            self,
            |request| &mut request.topics,
            |topic| {
                is_meant(&Subject {
                    topic: topic.map(|topic| topic.name.as_str()),
                    group: Some(group.as_str()),
                    placeless: topic.is_none(),
                    ..Subject::default()
                })
            },
        )
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                OffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
            });
            OffsetCommitResponseTopic::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        });
        Ok(OffsetCommitResponse::default().with_topics(topics.collect()))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.topics.extend(refused.topics);
    }
}

/// Group by group: that is where the error goes.
impl Faultable for OffsetFetchRequest {
    type Answer = OffsetFetchResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        if cx.version >= 8 {
            return cut_list(
                self,
                |request| &mut request.groups,
                |group| match group {
                    None => is_meant(&Subject::PLACELESS),
                    Some(group) => {
                        let topics = group.topics.iter().flatten();
                        let names = topics.map(|topic| topic.name.as_str());
                        is_group_meant(Subject::group(group.group_id.as_str()), names, is_meant)
                    }
                },
            );
        }
        let subject = Subject {
            // The oldest has its errors with the partitions only.
            placeless: cx.version < 2 && self.topics.as_ref().is_none_or(Vec::is_empty),
            ..Subject::group(self.group_id.as_str())
        };
        let topics = self.topics.iter().flatten();
        let names = topics.map(|topic| topic.name.as_str());
        Cut::whole_if(is_group_meant(subject, names, is_meant))
    }

    fn refuse(self, cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let answer = OffsetFetchResponse::default();
        if cx.version >= 8 {
            let groups = self.groups.into_iter().map(|group| {
                OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id)
                    .with_error_code(code)
            });
            return Ok(answer.with_groups(groups.collect()));
        }
        if cx.version >= 2 {
            return Ok(answer.with_error_code(code));
        }
        let topics = self.topics.unwrap_or_default().into_iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|index| {
                OffsetFetchResponsePartition::default()
                    .with_partition_index(*index)
                    .with_committed_offset(-1)
                    .with_metadata(Some(StrBytes::default()))
                    .with_error_code(code)
            });
            OffsetFetchResponseTopic::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        });
        Ok(answer.with_topics(topics.collect()))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.groups.extend(refused.groups);
    }
}

/// Whether a group is meant, itself or one of its topics.
fn is_group_meant<'a>(
    group: Subject<'a>,
    topics: impl Iterator<Item = &'a str>,
    is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
) -> bool {
    let mut topics = topics.map(|topic| Subject {
        topic: Some(topic),
        ..group
    });
    is_meant(&group) || topics.any(|subject| is_meant(&subject))
}

/// Never in parts: most of its errors are the group's.
impl Faultable for OffsetDeleteRequest {
    type Answer = OffsetDeleteResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let subject = Subject {
            group: Some(self.group_id.as_str()),
            ..Subject::default()
        };
        let mut topics = self.topics.iter().map(|topic| Subject {
            topic: Some(topic.name.as_str()),
            ..subject
        });
        let is_whole_meant = is_meant(&subject);
        Cut::whole_if(is_whole_meant || topics.any(|subject| is_meant(&subject)))
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let of_partitions = [
            ResponseError::UnknownTopicOrPartition,
            ResponseError::TopicAuthorizationFailed,
            ResponseError::GroupSubscribedToTopic,
        ];
        let answer = OffsetDeleteResponse::default();
        if of_partitions.iter().all(|error| error.number() != code) {
            return Ok(answer.with_error_code(code));
        }
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                OffsetDeleteResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
            });
            OffsetDeleteResponseTopic::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        });
        Ok(answer.with_topics(topics.collect()))
    }
}
