use kafka_protocol::messages::MetadataRequest;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use uuid::Uuid;

use crate::support::codes::*;
use crate::support::shapes::topic_name;
use crate::support::{Target, eventually};

cases!(
    null_is_all_topics_and_an_empty_list_none,
    in_version_0_an_empty_list_is_all,
    every_version_tells_of_a_topic,
    a_topic_may_be_asked_for_by_its_id,
    a_missing_topic_is_unknown,
    asking_creates_a_topic_when_it_may,
    bad_names_are_refused,
    an_id_needs_version_12,
    operations_are_told_when_asked_for,
);

fn by_name(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic_name(name)))
}

fn named(name: &str) -> MetadataRequest {
    MetadataRequest::default()
        .with_topics(Some(vec![by_name(name)]))
        .with_allow_auto_topic_creation(false)
}

async fn null_is_all_topics_and_an_empty_list_none(target: &Target) {
    let topic = target.topic("all-topics").await;
    for version in [1, 4, 9, 12, 13] {
        let all = MetadataRequest::default().with_topics(None);
        let answer = target.call(version, all).await;
        let names = answer.topics.iter().map(|topic| topic.name.clone());
        assert!(names.flatten().any(|name| name == topic.name()));
        let none = MetadataRequest::default().with_topics(Some(Vec::new()));
        let answer = target.call(version, none).await;
        assert!(answer.topics.is_empty(), "version {version}");
        assert_eq!(answer.brokers.len(), 1);
    }
}

async fn in_version_0_an_empty_list_is_all(target: &Target) {
    let topic = target.topic("all-in-0").await;
    let request = MetadataRequest::default().with_topics(Some(Vec::new()));
    let answer = target.call(0, request).await;
    let names = answer.topics.iter().map(|topic| topic.name.clone());
    assert!(names.flatten().any(|name| name == topic.name()));
}

async fn every_version_tells_of_a_topic(target: &Target) {
    let topic = target.topic_with("metadata-versions", 2, &[]).await;
    for version in 0..=13 {
        let mut request = named(&topic.name);
        if version < 4 {
            request = request.with_allow_auto_topic_creation(true);
        }
        let answer = target.call(version, request).await;
        let broker = answer.brokers[0].node_id;
        let told = &answer.topics[0];
        assert_eq!(
            (told.error_code, told.name.clone()),
            (NONE, Some(topic.name()))
        );
        assert!(!told.is_internal);
        let mut indexes = Vec::new();
        for partition in &told.partitions {
            indexes.push(partition.partition_index);
            assert_eq!((partition.error_code, partition.leader_id), (NONE, broker));
            assert_eq!(partition.replica_nodes, [broker]);
            assert_eq!(partition.isr_nodes, [broker]);
            assert!(partition.offline_replicas.is_empty());
            if version >= 7 {
                assert_eq!(partition.leader_epoch, 0);
            }
        }
        indexes.sort_unstable();
        assert_eq!(indexes, [0, 1], "version {version}");
        if version >= 10 {
            assert_eq!(told.topic_id, topic.id);
        }
        if version >= 8 {
            assert_eq!(told.topic_authorized_operations, i32::MIN, "not asked for");
        }
    }
}

async fn a_topic_may_be_asked_for_by_its_id(target: &Target) {
    let topic = target.topic("by-id").await;
    let by_id = |id: Uuid| {
        let asked = MetadataRequestTopic::default()
            .with_topic_id(id)
            .with_name(None);
        MetadataRequest::default().with_topics(Some(vec![asked]))
    };
    let answer = target.call(12, by_id(topic.id)).await;
    let told = &answer.topics[0];
    assert_eq!((told.error_code, told.topic_id), (NONE, topic.id));
    assert_eq!(told.name, Some(topic.name()));
    let unknown = Uuid::from_u128(5);
    let answer = target.call(12, by_id(unknown)).await;
    let told = &answer.topics[0];
    assert_eq!(
        (told.error_code, told.topic_id),
        (UNKNOWN_TOPIC_ID, unknown)
    );
    assert_eq!(told.name, None);
    assert!(told.partitions.is_empty());
}

async fn a_missing_topic_is_unknown(target: &Target) {
    let name = target.unique("missing");
    let answer = target.call(12, named(&name)).await;
    let told = &answer.topics[0];
    assert_eq!(told.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(told.name, Some(topic_name(name)));
    assert_eq!(told.topic_id, Uuid::nil());
    assert!(told.partitions.is_empty());
}

async fn asking_creates_a_topic_when_it_may(target: &Target) {
    let name = target.unique("auto-created");
    let request = named(&name).with_allow_auto_topic_creation(true);
    let told = eventually("the topic is there", async || {
        let told = target.call(12, request.clone()).await.topics.remove(0);
        let passing = [UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE];
        (!passing.contains(&told.error_code)).then_some(told)
    })
    .await;
    assert_eq!(told.error_code, NONE);
    assert!(!told.partitions.is_empty());
}

async fn bad_names_are_refused(target: &Target) {
    for name in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(250)] {
        for create in [true, false] {
            let request = named(name).with_allow_auto_topic_creation(create);
            let answer = target.call(12, request).await;
            let error = answer.topics[0].error_code;
            assert_eq!(error, INVALID_TOPIC_EXCEPTION, "{name:?}, {create}");
        }
    }
    let name = "x".repeat(249);
    let answer = target.call(12, named(&name)).await;
    assert_eq!(answer.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}

async fn an_id_needs_version_12(target: &Target) {
    let topic = target.topic("id-11").await;
    let asked = MetadataRequestTopic::default()
        .with_topic_id(topic.id)
        .with_name(Some(topic_name("")));
    let request = MetadataRequest::default().with_topics(Some(vec![asked]));
    let mut connection = target.connect().await;
    let ticket = connection.send(11, request).await;
    let answer = connection.try_answer(ticket).await.expect("an answer");
    assert_eq!(answer.topics[0].error_code, INVALID_REQUEST);
}

async fn operations_are_told_when_asked_for(target: &Target) {
    let topic = target.topic("operations").await;
    let request = named(&topic.name).with_include_topic_authorized_operations(true);
    let answer = target.call(12, request).await;
    let told = answer.topics[0].topic_authorized_operations;
    // Read, write, create, delete, alter, describe and both of configs.
    assert_eq!(told, 0b1101_1111_1000, "{told:b}");
}
