//! Groups from outside.

use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{
    DeleteGroupsRequest, ListGroupsRequest, OffsetDeleteRequest, OffsetDeleteResponse,
};

use crate::support::codes::*;
use crate::support::groups::subscription;
use crate::support::shapes::{group_id, text};
use crate::support::topics::Topic;
use crate::support::{Target, eventually};

cases!(
    a_group_is_described,
    a_missing_group_is_dead,
    every_version_describes,
    groups_are_listed,
    groups_are_listed_by_state_and_type,
    an_empty_group_is_deleted,
    a_group_with_members_is_not_deleted,
    a_missing_group_is_not_deleted,
    offsets_are_deleted,
    offsets_of_a_subscribed_topic_are_not_deleted,
);

async fn a_group_is_described(target: &Target) {
    let members = target.stable("described", 2).await;
    let described = target.describe_group(5, &members[0].group).await;
    assert_eq!(
        (described.error_code, &*described.group_state),
        (NONE, "Stable")
    );
    assert_eq!(&*described.protocol_type, "test");
    assert_eq!(&*described.protocol_data, "range");
    assert_eq!(described.authorized_operations, i32::MIN);
    assert_eq!(described.members.len(), 2);
    for told in &described.members {
        assert!(members.iter().any(|member| *told.member_id == *member.id));
        assert_eq!(&*told.client_id, "raw");
        assert_eq!(&*told.client_host, "/127.0.0.1");
        assert_eq!(told.member_metadata, "metadata");
        assert_eq!(told.member_assignment, format!("to {}", &*told.member_id));
        assert_eq!(told.group_instance_id, None);
    }
}

async fn a_missing_group_is_dead(target: &Target) {
    let group = target.group("dead").await;
    for version in [0, 5] {
        let described = target.describe_group(version, &group).await;
        assert_eq!(
            (described.error_code, &*described.group_state),
            (NONE, "Dead")
        );
    }
    let described = target.describe_group(6, &group).await;
    assert_eq!(described.error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(&*described.group_state, "Dead");
    assert!(described.error_message.is_some());
}

async fn every_version_describes(target: &Target) {
    let members = target.stable("describe-group-versions", 1).await;
    for version in 0..=6 {
        let described = target.describe_group(version, &members[0].group).await;
        assert_eq!((described.error_code, described.members.len()), (NONE, 1));
    }
}

async fn groups_are_listed(target: &Target) {
    let topic = target.topic("listed").await;
    let members = target.stable("listed", 1).await;
    let simple = target.group("listed-simple").await;
    target.commit(&simple, &topic, 1).await;
    for version in 0..=5 {
        let answer = target.call(version, ListGroupsRequest::default()).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        let find = |name: &str| {
            let group = answer.groups.iter().find(|group| **group.group_id == *name);
            group.unwrap_or_else(|| panic!("{name} is listed"))
        };
        let stable = find(&members[0].group);
        assert_eq!(&*stable.protocol_type, "test");
        let empty = find(&simple);
        assert_eq!(&*empty.protocol_type, "");
        if version >= 4 {
            assert_eq!(&*stable.group_state, "Stable");
            assert_eq!(&*empty.group_state, "Empty");
        }
        if version >= 5 {
            assert_eq!(&*stable.group_type, "classic");
        }
    }
}

async fn groups_are_listed_by_state_and_type(target: &Target) {
    let members = target.stable("filtered", 1).await;
    for (states, types, expected) in [
        (vec!["Stable"], vec![], true),
        (vec!["stable", "Empty"], vec![], true),
        (vec!["Empty"], vec![], false),
        (vec!["NoSuchState"], vec![], false),
        (vec![], vec!["classic"], true),
        (vec![], vec!["Classic"], true),
        (vec![], vec!["consumer"], false),
        (vec!["Stable"], vec!["consumer"], false),
    ] {
        let request = ListGroupsRequest::default()
            .with_states_filter(states.iter().copied().map(text).collect())
            .with_types_filter(types.iter().copied().map(text).collect());
        let answer = target.call(5, request).await;
        assert_eq!(answer.error_code, NONE);
        let mut names = answer.groups.iter().map(|group| &group.group_id);
        let listed = names.any(|name| ***name == *members[0].group);
        assert_eq!(listed, expected, "{states:?} {types:?}");
    }
}

async fn delete(target: &Target, version: i16, group: &str) -> i16 {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
    target.call(version, request).await.results[0].error_code
}

async fn an_empty_group_is_deleted(target: &Target) {
    let topic = target.topic("delete-group").await;
    for version in 0..=2 {
        let mut members = target.stable("delete-group", 1).await;
        let group = members[0].group.clone();
        assert_eq!(members[0].commit(9, &topic, 3).await, NONE);
        members[0].leave().await;
        assert_eq!(delete(target, version, &group).await, NONE);
        assert_eq!(target.committed(&group, &topic, false).await, (-1, NONE));
        assert_eq!(target.group_state(&group).await, "Dead");
        assert_eq!(delete(target, version, &group).await, GROUP_ID_NOT_FOUND);
    }
}

async fn a_group_with_members_is_not_deleted(target: &Target) {
    let mut members = target.stable("delete-live", 1).await;
    let group = members[0].group.clone();
    assert_eq!(delete(target, 2, &group).await, NON_EMPTY_GROUP);
    assert_eq!(members[0].heartbeat().await, NONE);
}

async fn a_missing_group_is_not_deleted(target: &Target) {
    let group = target.group("delete-missing").await;
    assert_eq!(delete(target, 2, &group).await, GROUP_ID_NOT_FOUND);
}

async fn delete_offset(
    target: &Target,
    group: &str,
    topic: &Topic,
    partition: i32,
) -> OffsetDeleteResponse {
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(partition);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(topic.name())
        .with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(vec![topic]);
    target.call(0, request).await
}

async fn offsets_are_deleted(target: &Target) {
    let topic = target.topic("delete-offset").await;
    let group = target.group("delete-offset").await;
    let answer = delete_offset(target, &group, &topic, 0).await;
    assert_eq!(answer.error_code, GROUP_ID_NOT_FOUND);
    target.commit(&group, &topic, 3).await;
    let answer = delete_offset(target, &group, &topic, 0).await;
    assert_eq!(answer.error_code, NONE);
    assert_eq!(answer.topics[0].partitions[0].error_code, NONE);
    assert_eq!(target.committed(&group, &topic, false).await, (-1, NONE));
    let answer = delete_offset(target, &group, &topic, 8).await;
    let error = answer.topics[0].partitions[0].error_code;
    assert_eq!(error, UNKNOWN_TOPIC_OR_PARTITION);
}

async fn offsets_of_a_subscribed_topic_are_not_deleted(target: &Target) {
    let subscribed = target.topic("delete-subscribed").await;
    let other = target.topic("delete-other").await;
    let group = target.group("delete-subscribed").await;
    let mut member = target.member(&group).await;
    member.protocol_type = "consumer";
    member.protocols = vec![("range", subscription(&subscribed))];
    member.identify().await;
    member.join(9).await;
    let id = member.id.clone();
    member.sync_all(&[&id]).await;
    assert_eq!(member.commit(9, &subscribed, 3).await, NONE);
    assert_eq!(member.commit(9, &other, 3).await, NONE);
    let answer = delete_offset(target, &group, &subscribed, 0).await;
    assert_eq!(answer.error_code, NONE);
    let error = answer.topics[0].partitions[0].error_code;
    assert_eq!(error, GROUP_SUBSCRIBED_TO_TOPIC);
    let answer = delete_offset(target, &group, &other, 0).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, NONE);
    eventually("the offset is gone", async || {
        let committed = target.committed(&group, &other, false).await;
        (committed == (-1, NONE)).then_some(())
    })
    .await;
}
