use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Code, Stop, operations};
use crate::core::{NODE, RequestContext};
use crate::log::{LEADER_EPOCH, Partition, Topic, name_problem};
use crate::store::TopicError;

/// Names the cluster and its topics, and makes those that are asked for and
/// missing, where that is allowed.
pub(super) async fn handle(
    cx: &RequestContext,
    request: MetadataRequest,
) -> Result<MetadataResponse, Stop> {
    let core = &cx.core;
    let with_operations = request.include_topic_authorized_operations;
    let all = match &request.topics {
        None => true,
        // The oldest version has no null.
        Some(topics) => cx.version == 0 && topics.is_empty(),
    };
    let topics = if all {
        core.catalogue
            .topics()
            .iter()
            .map(|topic| describe(topic, cx.version, with_operations))
            .collect()
    } else {
        let may_create = request.allow_auto_topic_creation && core.options.auto_create_topics;
        let mut topics = Vec::new();
        for asked in request.topics.unwrap_or_default() {
            let found = match asked.name {
                // Where ids can be asked for, but are not understood yet.
                name if cx.version < 12 && !asked.topic_id.is_nil() => {
                    Err((name, ResponseError::InvalidRequest))
                }
                Some(name) => by_name(cx, &name, may_create)
                    .await
                    .map_err(|error| (Some(name), error)),
                None => core
                    .catalogue
                    .topic_by_id(asked.topic_id)
                    .ok_or((None, ResponseError::UnknownTopicId)),
            };
            topics.push(match found {
                Ok(topic) => describe(&topic, cx.version, with_operations),
                Err((name, error)) => refused(name, asked.topic_id, error.number(), cx.version),
            });
        }
        topics
    };
    let mut response = cluster(cx).with_topics(topics);
    if request.include_cluster_authorized_operations && (8..=10).contains(&cx.version) {
        response.cluster_authorized_operations = operations::ON_CLUSTER;
    }
    Ok(response)
}

/// The answer without topics.
fn cluster(cx: &RequestContext) -> MetadataResponse {
    let core = &cx.core;
    MetadataResponse::default()
        .with_brokers(vec![
            MetadataResponseBroker::default()
                .with_node_id(NODE)
                .with_host(core.advertised.host.clone())
                .with_port(i32::from(core.advertised.port)),
        ])
        .with_cluster_id(Some(core.cluster_id.clone()))
        .with_controller_id(NODE)
}

/// The answer in which each of these topics has an error; or the whole, if
/// there are none.
pub(crate) fn refuse(
    cx: &RequestContext,
    topics: Vec<MetadataRequestTopic>,
    code: i16,
) -> MetadataResponse {
    let answer = cluster(cx);
    if topics.is_empty() {
        return answer.with_error_code(code);
    }
    let refused =
        |topic: MetadataRequestTopic| refused(topic.name, topic.topic_id, code, cx.version);
    answer.with_topics(topics.into_iter().map(refused).collect())
}

async fn by_name(
    cx: &RequestContext,
    name: &TopicName,
    may_create: bool,
) -> Result<Arc<Topic>, ResponseError> {
    if let Some(topic) = cx.core.catalogue.topic(name) {
        return Ok(topic);
    }
    if name_problem(name).is_some() {
        return Err(ResponseError::InvalidTopicException);
    }
    if !may_create {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    let partitions = cx.core.options.default_partitions;
    match cx
        .core
        .writer
        .create_topic(name, partitions, BTreeMap::new())
        .await
    {
        Ok(topic) => Ok(topic),
        // Somebody else was faster.
        Err(TopicError::Exists) => cx
            .core
            .catalogue
            .topic(name)
            .ok_or(ResponseError::UnknownTopicOrPartition),
        Err(error) => {
            tracing::error!(topic = name.as_str(), %error, "a topic could not be made");
            Err(ResponseError::KafkaStorageError)
        }
    }
}

fn describe(topic: &Topic, version: i16, with_operations: bool) -> MetadataResponseTopic {
    let mut answer = MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(
            topic.name.to_string(),
        ))))
        .with_topic_id(topic.id)
        .with_partitions(
            topic
                .partitions()
                .iter()
                .map(|partition| describe_partition(partition))
                .collect(),
        );
    if with_operations && version >= 8 {
        answer.topic_authorized_operations = operations::ON_TOPIC;
    }
    answer
}

fn describe_partition(partition: &Partition) -> MetadataResponsePartition {
    MetadataResponsePartition::default()
        .with_partition_index(partition.index)
        .with_leader_id(NODE)
        .with_leader_epoch(LEADER_EPOCH)
        .with_replica_nodes(vec![NODE])
        .with_isr_nodes(vec![NODE])
}

fn refused(name: Option<TopicName>, id: Uuid, code: i16, version: i16) -> MetadataResponseTopic {
    // Before version 12 a name can't be null.
    let name = if version < 12 {
        Some(name.unwrap_or_default())
    } else {
        name
    };
    MetadataResponseTopic::default()
        .with_name(name)
        .with_topic_id(id)
        .with_error_code(code)
}
