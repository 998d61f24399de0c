//! Records and their offsets.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, DescribeProducersRequest,
    DescribeProducersResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
    ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest,
    ProduceResponse, TopicName,
};
use uuid::Uuid;

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use super::{refused_one_by_one, with_topic};
use crate::api::{Code, Stop};
use crate::core::RequestContext;

impl Faultable for ProduceRequest {
    type Answer = ProduceResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let id = self.transactional_id.clone();
        let subject = Subject {
            transactional_id: id.as_ref().map(|id| id.as_str()),
            ..Subject::default()
        };
        cut_list(
            self,
            |request| &mut request.topic_data,
            |topic| match topic {
                Some(topic) => with_topic(cx, &topic.name, topic.topic_id, |topic| {
                    is_meant(&Subject { topic, ..subject })
                }),
                None => is_meant(&Subject {
                    placeless: true,
                    ..subject
                }),
            },
        )
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        if self.acks == 0 {
            // The client waits for no answer, so this is the only way to tell it.
            return Err(Stop::Close(format!(
                "records sent with acks=0 were refused on purpose, with error {code}"
            )));
        }
        let topics = self.topic_data.into_iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|partition| {
                PartitionProduceResponse::default()
                    .with_index(partition.index)
                    .with_error_code(code)
                    .with_base_offset(-1)
                    .with_log_append_time_ms(-1)
                    .with_log_start_offset(-1)
            });
            TopicProduceResponse::default()
                .with_partition_responses(partitions.collect())
                .with_name(topic.name)
                .with_topic_id(topic.topic_id)
        });
        Ok(ProduceResponse::default().with_responses(topics.collect()))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.responses.extend(refused.responses);
    }
}

/// Only errors of the session are made here. Those of partitions are made by
/// the handler, which knows what a session asks for.
impl Faultable for FetchRequest {
    type Answer = FetchResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        // The place for errors of the session came with the sessions.
        let placeless = cx.version < 7;
        let mut topics: Vec<_> = (self.topics.iter())
            .map(|topic| (topic.topic.clone(), topic.topic_id))
            .collect();
        let forgotten: Vec<_> = (self.forgotten_topics_data.iter())
            .map(|topic| (topic.topic.clone(), topic.topic_id))
            .collect();
        let of_session = cx.core.sessions.topics(self.session_id).into_iter();
        topics.extend(of_session.filter(|topic| !forgotten.contains(topic)));
        let subject = Subject {
            placeless,
            ..Subject::default()
        };
        if topics.is_empty() {
            return Cut::whole_if(is_meant(&subject));
        }
        let mut is_topic_meant = |(name, id): &(TopicName, Uuid)| {
            with_topic(cx, name, *id, |topic| {
                is_meant(&Subject { topic, ..subject })
            })
        };
        Cut::whole_if(topics.iter().any(&mut is_topic_meant))
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        Ok(FetchResponse::default().with_error_code(code))
    }

    fn refuses(code: i16) -> bool {
        let of_session = [
            ResponseError::FetchSessionIdNotFound,
            ResponseError::InvalidFetchSessionEpoch,
            ResponseError::FetchSessionTopicIdError,
        ];
        of_session.iter().any(|error| error.number() == code)
    }
}

refused_one_by_one! {
    ListOffsetsRequest.topics => ListOffsetsResponse.topics,
        |topic| Subject::topic(topic.name.as_str()),
        |topic, code| {
            let partitions = topic.partitions.iter().map(|partition| {
                ListOffsetsPartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
                    .with_timestamp(-1)
                    .with_offset(-1)
            });
            ListOffsetsTopicResponse::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        };
    OffsetForLeaderEpochRequest.topics => OffsetForLeaderEpochResponse.topics,
        |topic| Subject::topic(topic.topic.as_str()),
        |topic, code| {
            let partitions = topic.partitions.iter().map(|partition| {
                EpochEndOffset::default()
                    .with_partition(partition.partition)
                    .with_error_code(code)
                    .with_leader_epoch(-1)
                    .with_end_offset(-1)
            });
            OffsetForLeaderTopicResult::default()
                .with_partitions(partitions.collect())
                .with_topic(topic.topic)
        };
    DeleteRecordsRequest.topics => DeleteRecordsResponse.topics,
        |topic| Subject::topic(topic.name.as_str()),
        |topic, code| {
            let partitions = topic.partitions.iter().map(|partition| {
                DeleteRecordsPartitionResult::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
                    .with_low_watermark(-1)
            });
            DeleteRecordsTopicResult::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        };
    DescribeProducersRequest.topics => DescribeProducersResponse.topics,
        |topic| Subject::topic(topic.name.as_str()),
        |topic, code| {
            let partitions = topic.partition_indexes.iter().map(|index| {
                PartitionResponse::default()
                    .with_partition_index(*index)
                    .with_error_code(code)
            });
            TopicResponse::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        };
}
