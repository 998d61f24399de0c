use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::shapes::text;
use crate::support::topics::{creatable, create_topics};

cases!(
    every_version_creates,
    what_is_there_exists_already,
    bad_names_are_refused,
    names_that_collide_are_refused,
    counts_are_checked,
    minus_one_is_the_default,
    assignments_are_checked,
    an_assignment_gives_the_partitions,
    settings_are_checked,
    a_name_twice_is_refused,
    validation_creates_nothing,
    settings_are_told,
    each_topic_has_a_result_of_its_own,
);

async fn create(target: &Target, topic: CreatableTopic) -> CreatableTopicResult {
    let response = target.call(7, create_topics([topic])).await;
    assert_eq!(response.topics.len(), 1);
    response.topics.into_iter().next().expect("a result")
}

fn assigned(name: &str, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let assignments = assignments.iter().map(|(partition, brokers)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*partition)
            .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
    });
    creatable(name, -1, -1).with_assignments(assignments.collect())
}

fn configured(name: &str, key: &'static str, value: Option<&'static str>) -> CreatableTopic {
    let config = CreatableTopicConfig::default()
        .with_name(text(key))
        .with_value(value.map(text));
    creatable(name, 1, 1).with_configs(vec![config])
}

async fn every_version_creates(target: &Target) {
    for version in 2..=7 {
        let name = target.unique("create-versions");
        let response = target
            .call(version, create_topics([creatable(&name, 2, 1)]))
            .await;
        let result = &response.topics[0];
        assert_eq!(result.error_code, NONE, "version {version}");
        assert_eq!(&**result.name, name);
        if version >= 5 {
            assert_eq!((result.num_partitions, result.replication_factor), (2, 1));
        }
        if version >= 7 {
            assert!(!result.topic_id.is_nil());
        }
    }
}

async fn what_is_there_exists_already(target: &Target) {
    let topic = target.topic("exists").await;
    let result = create(target, creatable(&topic.name, 1, 1)).await;
    assert_eq!(result.error_code, TOPIC_ALREADY_EXISTS);
    assert!(result.error_message.is_some());
    assert!(result.topic_id.is_nil());
    assert_eq!((result.num_partitions, result.replication_factor), (-1, -1));
}

async fn bad_names_are_refused(target: &Target) {
    for name in ["", ".", "..", "a b", "ü", "a/b", "a:b", &"x".repeat(250)] {
        let result = create(target, creatable(name, 1, 1)).await;
        assert_eq!(result.error_code, INVALID_TOPIC_EXCEPTION, "{name:?}");
    }
}

async fn names_that_collide_are_refused(target: &Target) {
    let name = target.unique("collide.one");
    target.create(&name, 1, &[]).await;
    let other = name.replace('.', "_");
    let result = create(target, creatable(&other, 1, 1)).await;
    assert_eq!(result.error_code, INVALID_TOPIC_EXCEPTION);
}

async fn counts_are_checked(target: &Target) {
    let name = target.unique("counts");
    for (partitions, replication, error) in [
        (0, 1, INVALID_PARTITIONS),
        (-2, 1, INVALID_PARTITIONS),
        (1, 0, INVALID_REPLICATION_FACTOR),
        (1, -2, INVALID_REPLICATION_FACTOR),
        (1, 2, INVALID_REPLICATION_FACTOR),
    ] {
        let result = create(target, creatable(&name, partitions, replication)).await;
        assert_eq!(result.error_code, error, "{partitions}, {replication}");
    }
}

async fn minus_one_is_the_default(target: &Target) {
    let result = create(target, creatable(&target.unique("default"), -1, -1)).await;
    assert_eq!((result.error_code, result.replication_factor), (NONE, 1));
    assert!(result.num_partitions >= 1);
}

async fn assignments_are_checked(target: &Target) {
    let name = target.unique("assignments");
    let node = target.node().await;
    for (assignments, error) in [
        (&[(0, &[99][..])][..], INVALID_REPLICA_ASSIGNMENT),
        (&[(0, &[])], INVALID_REPLICA_ASSIGNMENT),
        (&[(0, &[node, node])], INVALID_REPLICA_ASSIGNMENT),
        (&[(1, &[node])], INVALID_REPLICA_ASSIGNMENT),
        (&[(0, &[node]), (0, &[node])], INVALID_REPLICA_ASSIGNMENT),
    ] {
        let result = create(target, assigned(&name, assignments)).await;
        assert_eq!(result.error_code, error, "{assignments:?}");
    }
    let both = assigned(&name, &[(0, &[node])]).with_num_partitions(1);
    assert_eq!(create(target, both).await.error_code, INVALID_REQUEST);
    let both = assigned(&name, &[(0, &[node])]).with_replication_factor(1);
    assert_eq!(create(target, both).await.error_code, INVALID_REQUEST);
}

async fn an_assignment_gives_the_partitions(target: &Target) {
    let name = target.unique("assigned");
    let node = target.node().await;
    let topic = assigned(&name, &[(1, &[node]), (0, &[node])]);
    let result = create(target, topic).await;
    assert_eq!((result.error_code, result.num_partitions), (NONE, 2));
}

async fn settings_are_checked(target: &Target) {
    let name = target.unique("settings");
    for (key, value) in [
        ("no.such.setting", Some("1")),
        ("retention.ms", None),
        ("retention.ms", Some("soon")),
        ("retention.ms", Some("-2")),
        ("cleanup.policy", Some("burn")),
        ("compression.type", Some("rar")),
        ("message.timestamp.type", Some("Never")),
        ("min.insync.replicas", Some("0")),
        ("preallocate", Some("maybe")),
    ] {
        let result = create(target, configured(&name, key, value)).await;
        assert_eq!(result.error_code, INVALID_CONFIG, "{key}={value:?}");
        assert!(result.error_message.is_some());
    }
}

async fn a_name_twice_is_refused(target: &Target) {
    let name = target.unique("twice");
    let other = target.unique("once");
    let topics = [&name, &other, &name].map(|name| creatable(name, 1, 1));
    let response = target.call(7, create_topics(topics)).await;
    let mut results: Vec<_> = response
        .topics
        .iter()
        .map(|result| (result.name.to_string(), result.error_code))
        .collect();
    results.sort();
    assert_eq!(results, [(other, NONE), (name, INVALID_REQUEST)]);
}

async fn validation_creates_nothing(target: &Target) {
    let name = target.unique("validated");
    let request = create_topics([creatable(&name, 3, 1)]).with_validate_only(true);
    let response = target.call(7, request.clone()).await;
    let result = &response.topics[0];
    assert_eq!((result.error_code, result.num_partitions), (NONE, 3));
    let told = target.metadata(&name).await;
    assert_eq!(told.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let request = create_topics([creatable(&name, 0, 1)]).with_validate_only(true);
    let response = target.call(7, request).await;
    assert_eq!(response.topics[0].error_code, INVALID_PARTITIONS);
}

async fn settings_are_told(target: &Target) {
    let name = target.unique("told-settings");
    let result = create(target, configured(&name, "retention.ms", Some("1234567"))).await;
    assert_eq!(
        (result.error_code, result.topic_config_error_code),
        (NONE, NONE)
    );
    let configs = result.configs.expect("settings");
    let find = |key: &str| {
        let config = configs.iter().find(|config| &*config.name == key);
        let config = config.unwrap_or_else(|| panic!("{key} is told"));
        (
            config.value.as_ref().map(ToString::to_string),
            config.config_source,
        )
    };
    assert_eq!(find("retention.ms"), (Some("1234567".into()), 1));
    assert_eq!(find("cleanup.policy"), (Some("delete".into()), 5));
    assert!(configs.iter().all(|config| !config.read_only));
}

async fn each_topic_has_a_result_of_its_own(target: &Target) {
    let good = target.unique("good");
    let topics = [creatable(&good, 1, 1), creatable("a b", 1, 1)];
    let response = target.call(7, create_topics(topics)).await;
    for result in &response.topics {
        let expected = if **result.name == *good {
            NONE
        } else {
            INVALID_TOPIC_EXCEPTION
        };
        assert_eq!(result.error_code, expected);
    }
    assert_eq!(response.topics.len(), 2);
}
