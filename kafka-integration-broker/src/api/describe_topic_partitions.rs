use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop, operations};
use crate::core::{NODE, RequestContext};
use crate::log::{LEADER_EPOCH, Topic, name_problem};

/// Kafka's `max.request.partition.size.limit`.
const MOST_PARTITIONS: i32 = 2_000;

/// Describes topics in the order of their names, a page at a time.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> Result<DescribeTopicPartitionsResponse, Stop> {
    let all = request.topics.is_empty();
    let cursor = request.cursor;
    let asked = || request.topics.iter().map(|topic| topic.name.clone());
    let lost = cursor.as_ref().is_some_and(|cursor| {
        cursor.partition_index < 0 || (!all && asked().all(|name| name != cursor.topic_name))
    });
    if lost {
        let refuse = |name| missing(name, ResponseError::InvalidRequest);
        let topics = asked().map(refuse).collect();
        return Ok(DescribeTopicPartitionsResponse::default().with_topics(topics));
    }
    let names: BTreeSet<TopicName> = if all {
        let topics = cx.core.catalogue.topics();
        topics.iter().map(|topic| name_of(topic)).collect()
    } else {
        asked().collect()
    };
    let begin = cursor
        .as_ref()
        .map(|cursor| cursor.topic_name.as_str().to_owned())
        .unwrap_or_default();
    let limit = request.response_partition_limit.clamp(1, MOST_PARTITIONS);
    let mut room = limit as usize;
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names
        .into_iter()
        .filter(|name| name.as_str() >= begin.as_str())
    {
        if room == 0 {
            response.next_cursor = Some(Cursor::default().with_topic_name(name));
            break;
        }
        let Some(topic) = cx.core.catalogue.topic(&name) else {
            // One that is listed and gone since is not missed.
            if !all {
                let error = match name_problem(&name) {
                    Some(_) => ResponseError::InvalidTopicException,
                    None => ResponseError::UnknownTopicOrPartition,
                };
                response.topics.push(missing(name, error));
            }
            continue;
        };
        let first = match &cursor {
            Some(cursor) if cursor.topic_name == name => cursor.partition_index,
            _ => 0,
        };
        let (described, next) = describe(&topic, usize::try_from(first).unwrap_or(0), room);
        room -= described.partitions.len().min(room);
        response.topics.push(described);
        if let Some(next) = next {
            let cursor = Cursor::default()
                .with_topic_name(name)
                .with_partition_index(next);
            response.next_cursor = Some(cursor);
            break;
        }
    }
    Ok(response)
}

fn name_of(topic: &Topic) -> TopicName {
    TopicName(StrBytes::from_string(topic.name.to_string()))
}

fn missing(name: TopicName, error: ResponseError) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(name))
        .with_error_code(error.number())
}

/// A topic with at most `room` of its partitions, from `first` on, and which
/// partition comes next.
fn describe(
    topic: &Topic,
    first: usize,
    room: usize,
) -> (DescribeTopicPartitionsResponseTopic, Option<i32>) {
    let all = topic.partitions();
    let partitions: Vec<_> = all
        .iter()
        .skip(first)
        .take(room)
        .map(|partition| {
            DescribeTopicPartitionsResponsePartition::default()
                .with_partition_index(partition.index)
                .with_leader_id(NODE)
                .with_leader_epoch(LEADER_EPOCH)
                .with_replica_nodes(vec![NODE])
                .with_isr_nodes(vec![NODE])
                .with_eligible_leader_replicas(Some(Vec::new()))
                .with_last_known_elr(Some(Vec::new()))
        })
        .collect();
    let next = first + partitions.len();
    let topic = DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(name_of(topic)))
        .with_topic_id(topic.id)
        .with_topic_authorized_operations(operations::ON_TOPIC)
        .with_partitions(partitions);
    (topic, (next < all.len()).then_some(next as i32))
}
