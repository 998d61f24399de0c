//! Topics.

use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use super::{refused_one_by_one, with_topic};
use crate::api::{Stop, metadata_refused};
use crate::core::RequestContext;

refused_one_by_one! {
    CreateTopicsRequest.topics => CreateTopicsResponse.topics,
        |topic| Subject::topic(topic.name.as_str()),
        |topic, code| CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(code);
    CreatePartitionsRequest.topics => CreatePartitionsResponse.results,
        |topic| Subject::topic(topic.name.as_str()),
        |topic, code| CreatePartitionsTopicResult::default()
            .with_name(topic.name)
            .with_error_code(code);
}

/// The names of all topics, for a request that asks for all by naming none.
fn all(cx: &RequestContext) -> impl Iterator<Item = TopicName> {
    let topics = cx.core.catalogue.topics().into_iter();
    topics.map(|topic| TopicName(StrBytes::from_string(topic.name.to_string())))
}

impl Faultable for MetadataRequest {
    type Answer = MetadataResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let asks_all = match &self.topics {
            None => true,
            Some(topics) => cx.version == 0 && topics.is_empty(),
        };
        let mut expanded = self.clone();
        if asks_all {
            let topic = |name| MetadataRequestTopic::default().with_name(Some(name));
            expanded.topics = Some(all(cx).map(topic).collect());
            // One that is deleted meanwhile isn't asked for.
            expanded.allow_auto_topic_creation = false;
        }
        let cut = cut_list(
            &mut expanded,
            |request| request.topics.get_or_insert_default(),
            |topic| match topic {
                Some(MetadataRequestTopic {
                    name: Some(name), ..
                }) => is_meant(&Subject::topic(name.as_str())),
                Some(by_id) => with_topic(cx, &TopicName::default(), by_id.topic_id, |topic| {
                    is_meant(&Subject {
                        topic,
                        ..Subject::default()
                    })
                }),
                // Version 13 has a place for an error of the request.
                None => is_meant(&Subject {
                    placeless: cx.version < 13,
                    ..Subject::default()
                }),
            },
        );
        if !matches!(cut, Cut::Nothing) {
            *self = expanded;
        }
        cut
    }

    fn refuse(self, cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        Ok(metadata_refused(cx, self.topics.unwrap_or_default(), code))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.topics.extend(refused.topics);
    }
}

impl Faultable for DescribeTopicPartitionsRequest {
    type Answer = DescribeTopicPartitionsResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let mut expanded = self.clone();
        if expanded.topics.is_empty() {
            let topic = |name| TopicRequest::default().with_name(name);
            expanded.topics = all(cx).map(topic).collect();
        }
        // A page begins at a topic that must be among those asked for.
        if self.cursor.is_some() {
            let named = expanded.topics.iter().map(|topic| topic.name.as_str());
            let cut = Cut::whole_if(named.map(Subject::topic).any(|one| is_meant(&one)));
            if matches!(cut, Cut::Whole) {
                *self = expanded;
            }
            return cut;
        }
        let cut = cut_list(
            &mut expanded,
            |request| &mut request.topics,
            |topic| match topic {
                Some(topic) => is_meant(&Subject::topic(topic.name.as_str())),
                None => is_meant(&Subject::PLACELESS),
            },
        );
        if !matches!(cut, Cut::Nothing) {
            *self = expanded;
        }
        cut
    }

    fn refuse(mut self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        self.topics.sort_by(|one, other| one.name.cmp(&other.name));
        let refused = |topic: TopicRequest| {
            DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(topic.name))
                .with_error_code(code)
        };
        let topics = self.topics.into_iter().map(refused).collect();
        Ok(DescribeTopicPartitionsResponse::default().with_topics(topics))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.topics.extend(refused.topics);
        answer
            .topics
            .sort_by(|one, other| one.name.cmp(&other.name));
    }
}

impl Faultable for DeleteTopicsRequest {
    type Answer = DeleteTopicsResponse;

    fn cut(
        &mut self,
        cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        if cx.version < 6 {
            return cut_list(
                self,
                |request| &mut request.topic_names,
                |name| match name {
                    Some(name) => is_meant(&Subject::topic(name.as_str())),
                    None => is_meant(&Subject::PLACELESS),
                },
            );
        }
        cut_list(
            self,
            |request| &mut request.topics,
            |topic| match topic {
                Some(topic) => {
                    let name = topic.name.clone().unwrap_or_default();
                    with_topic(cx, &name, topic.topic_id, |topic| {
                        is_meant(&Subject {
                            topic,
                            ..Subject::default()
                        })
                    })
                }
                None => is_meant(&Subject::PLACELESS),
            },
        )
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let refused = DeletableTopicResult::default().with_error_code(code);
        let by_name = self.topic_names.into_iter();
        let by_name = by_name.map(|name| refused.clone().with_name(Some(name)));
        let later = self.topics.into_iter().map(|topic| {
            refused
                .clone()
                .with_name(topic.name)
                .with_topic_id(topic.topic_id)
        });
        let responses = by_name.chain(later).collect();
        Ok(DeleteTopicsResponse::default().with_responses(responses))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.responses.extend(refused.responses);
    }
}
