//! More partitions, and describing them.

use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
};

use crate::support::codes::*;
use crate::support::topics::Topic;
use crate::support::{Target, eventually};

cases!(
    every_version_adds_partitions,
    partitions_only_become_more,
    the_assignment_of_new_partitions_is_checked,
    validation_adds_nothing,
    partitions_are_described_in_the_order_of_names,
    a_limit_gives_a_cursor_to_go_on_with,
    unknown_topics_are_described_as_such,
);

fn more(topic: &Topic, count: i32) -> CreatePartitionsRequest {
    let topic = CreatePartitionsTopic::default()
        .with_name(topic.name())
        .with_count(count)
        .with_assignments(None);
    CreatePartitionsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(20_000)
}

async fn every_version_adds_partitions(target: &Target) {
    let topic = target.topic("more").await;
    for version in 0..=3 {
        let count = i32::from(version) + 2;
        let response = target.call(version, more(&topic, count)).await;
        assert_eq!(response.results[0].error_code, NONE, "version {version}");
        eventually("the new partition answers", async || {
            let end = target.list_offset(&topic, count - 1, -1).await;
            (end.error_code == NONE).then_some(())
        })
        .await;
    }
    assert_eq!(target.metadata(&topic.name).await.partitions.len(), 5);
}

async fn partitions_only_become_more(target: &Target) {
    let topic = target.topic_with("not-less", 2, &[]).await;
    for count in [2, 1, 0, -1] {
        let response = target.call(3, more(&topic, count)).await;
        let error = response.results[0].error_code;
        assert_eq!(error, INVALID_PARTITIONS, "{count}");
    }
    let missing = Topic {
        name: target.unique("missing"),
        ..topic
    };
    let response = target.call(3, more(&missing, 3)).await;
    assert_eq!(response.results[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}

async fn the_assignment_of_new_partitions_is_checked(target: &Target) {
    let topic = target.topic("assign-more").await;
    let node = target.node().await;
    for (brokers, error) in [
        (vec![99], INVALID_REPLICA_ASSIGNMENT),
        (vec![node, node], INVALID_REPLICA_ASSIGNMENT),
        (vec![node], NONE),
    ] {
        let brokers = brokers.into_iter().map(BrokerId).collect();
        let assignment = CreatePartitionsAssignment::default().with_broker_ids(brokers);
        let mut request = more(&topic, 2);
        request.topics[0].assignments = Some(vec![assignment]);
        let response = target.call(3, request).await;
        assert_eq!(response.results[0].error_code, error);
    }
    let assignment = CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(node)]);
    let mut request = more(&topic, 4);
    request.topics[0].assignments = Some(vec![assignment]);
    let response = target.call(3, request).await;
    let error = response.results[0].error_code;
    assert_eq!(error, INVALID_REPLICA_ASSIGNMENT, "one for two");
}

async fn validation_adds_nothing(target: &Target) {
    let topic = target.topic("validate-more").await;
    let request = more(&topic, 3).with_validate_only(true);
    let response = target.call(3, request).await;
    assert_eq!(response.results[0].error_code, NONE);
    assert_eq!(target.metadata(&topic.name).await.partitions.len(), 1);
}

async fn describe<'a>(
    target: &Target,
    topics: impl IntoIterator<Item = &'a Topic>,
    limit: i32,
    cursor: Option<Cursor>,
) -> DescribeTopicPartitionsResponse {
    let topics = topics
        .into_iter()
        .map(|topic| TopicRequest::default().with_name(topic.name()));
    let request = DescribeTopicPartitionsRequest::default()
        .with_topics(topics.collect())
        .with_response_partition_limit(limit)
        .with_cursor(cursor);
    target.call(0, request).await
}

async fn partitions_are_described_in_the_order_of_names(target: &Target) {
    let b = target.topic_with("described-b", 2, &[]).await;
    let a = target.topic("described-a").await;
    let response = describe(target, [&b, &a], 2000, None).await;
    assert!(response.next_cursor.is_none());
    let names: Vec<_> = response.topics.iter().map(|t| t.name.clone()).collect();
    assert_eq!(names, [Some(a.name()), Some(b.name())]);
    let told = &response.topics[1];
    assert_eq!((told.error_code, told.topic_id), (NONE, b.id));
    let indexes: Vec<_> = told.partitions.iter().map(|p| p.partition_index).collect();
    assert_eq!(indexes, [0, 1]);
    let node = target.node().await;
    assert_eq!(told.partitions[0].leader_id, node);
    assert_eq!(told.partitions[0].isr_nodes, [BrokerId(node)]);
}

async fn a_limit_gives_a_cursor_to_go_on_with(target: &Target) {
    let a = target.topic_with("cursor-a", 3, &[]).await;
    let b = target.topic_with("cursor-b", 2, &[]).await;
    let mut cursor: Option<Cursor> = None;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = describe(target, [&a, &b], 2, cursor.clone()).await;
        for topic in &response.topics {
            for partition in &topic.partitions {
                let name = topic.name.clone().expect("a name").to_string();
                seen.push((name, partition.partition_index));
            }
        }
        cursor = response.next_cursor.map(|next| {
            Cursor::default()
                .with_topic_name(next.topic_name)
                .with_partition_index(next.partition_index)
        });
        if cursor.is_none() {
            break;
        }
    }
    assert!(cursor.is_none(), "an end");
    let mut expected: Vec<_> = (0..3).map(|index| (a.name.clone(), index)).collect();
    expected.extend((0..2).map(|index| (b.name.clone(), index)));
    assert_eq!(seen, expected);
}

async fn unknown_topics_are_described_as_such(target: &Target) {
    let missing = Topic {
        name: target.unique("missing"),
        id: uuid::Uuid::nil(),
    };
    let response = describe(target, [&missing], 2000, None).await;
    let told = &response.topics[0];
    assert_eq!(told.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert!(told.partitions.is_empty() && response.next_cursor.is_none());
}
