//! Committed offsets.

use kafka_protocol::messages::OffsetFetchRequest;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic,
};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::offsets::{commit, fetch_offsets};
use crate::support::shapes::{group_id, text};
use crate::support::topics::Topic;

cases!(
    every_version_commits,
    every_version_fetches,
    a_member_commits_in_its_generation_only,
    a_commit_while_a_rebalance_is_prepared_is_taken,
    without_a_generation_only_a_group_without_members_commits,
    a_generation_of_no_group_is_refused,
    metadata_is_limited,
    unknown_partitions_are_refused_one_by_one,
    nothing_committed_is_no_error,
    null_topics_are_all,
    several_groups_are_fetched_at_once,
    offsets_outlive_members,
    the_offsets_of_a_deleted_topic_go_with_it,
);

async fn every_version_commits(target: &Target) {
    let topic = target.topic("commit-versions").await;
    let group = target.group("commit-versions").await;
    for version in 2..=9 {
        let offset = i64::from(version) * 10;
        let answer = target
            .call(version, commit(&group, &topic, 0, offset))
            .await;
        let error = answer.topics[0].partitions[0].error_code;
        assert_eq!(error, NONE, "version {version}");
        assert_eq!(
            target.committed(&group, &topic, false).await,
            (offset, NONE)
        );
    }
}

async fn every_version_fetches(target: &Target) {
    let topic = target.topic("fetch-offset-versions").await;
    let group = target.group("fetch-offset-versions").await;
    target.commit(&group, &topic, 7).await;
    for version in 1..=7 {
        let asked = OffsetFetchRequestTopic::default()
            .with_name(topic.name())
            .with_partition_indexes(vec![0, 1]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(&*group))
            .with_topics(Some(vec![asked]));
        let answer = target.call(version, request).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        let partitions = &answer.topics[0].partitions;
        assert_eq!(partitions.len(), 2);
        assert_eq!(partitions[0].committed_offset, 7);
        assert_eq!(partitions[0].metadata.as_deref(), Some("note"));
        assert_eq!(
            (partitions[1].committed_offset, partitions[1].error_code),
            (-1, NONE)
        );
    }
    for version in 8..=9 {
        let request = fetch_offsets(&group, Some(&[(&topic, &[0, 1])]));
        let answer = target.call(version, request).await;
        let partitions = &answer.groups[0].topics[0].partitions;
        assert_eq!(partitions[0].committed_offset, 7);
        assert_eq!(partitions[0].committed_leader_epoch, -1);
        assert_eq!(partitions[1].committed_offset, -1);
        assert_eq!(partitions[1].metadata.as_deref(), Some(""));
    }
}

async fn a_member_commits_in_its_generation_only(target: &Target) {
    let topic = target.topic("commit-member").await;
    let mut members = target.stable("commit-member", 1).await;
    let member = &mut members[0];
    assert_eq!(member.commit(9, &topic, 1).await, NONE);
    for version in [8, 9] {
        member.generation = 7;
        assert_eq!(member.commit(version, &topic, 2).await, ILLEGAL_GENERATION);
        member.generation = 0;
        assert_eq!(member.commit(version, &topic, 2).await, ILLEGAL_GENERATION);
        member.generation = 1;
        let id = std::mem::replace(&mut member.id, "somebody".into());
        assert_eq!(member.commit(version, &topic, 2).await, UNKNOWN_MEMBER_ID);
        member.id = id;
    }
    let committed = target.committed(&member.group, &topic, false).await;
    assert_eq!(committed, (1, NONE));
}

async fn a_commit_while_a_rebalance_is_prepared_is_taken(target: &Target) {
    let topic = target.topic("commit-rebalance").await;
    let mut members = target.stable("commit-rebalance", 1).await;
    let mut first = members.remove(0);
    let mut second = target.member(&first.group).await;
    second.identify().await;
    let ticket = second.send_join(9).await;
    first.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    assert_eq!(first.commit(8, &topic, 5).await, NONE);
    first.join(9).await;
    second.joined(ticket).await;
    let error = first.commit(8, &topic, 6).await;
    assert_eq!(error, REBALANCE_IN_PROGRESS, "before the assignment");
    first.generation -= 1;
    assert_eq!(first.commit(8, &topic, 6).await, ILLEGAL_GENERATION);
    assert_eq!(
        target.committed(&first.group, &topic, false).await,
        (5, NONE)
    );
}

async fn without_a_generation_only_a_group_without_members_commits(target: &Target) {
    let topic = target.topic("commit-plain").await;
    let mut members = target.stable("commit-plain", 1).await;
    let group = members[0].group.clone();
    for version in [8, 9] {
        let answer = target.call(version, commit(&group, &topic, 0, 3)).await;
        let error = answer.topics[0].partitions[0].error_code;
        assert_eq!(error, UNKNOWN_MEMBER_ID, "version {version}");
    }
    members[0].leave().await;
    target.commit(&group, &topic, 3).await;
    assert_eq!(target.committed(&group, &topic, false).await, (3, NONE));
}

async fn a_generation_of_no_group_is_refused(target: &Target) {
    let topic = target.topic("commit-no-group").await;
    let group = target.group("commit-no-group").await;
    let mut nobody = target.member(&group).await;
    nobody.id = "somebody".into();
    nobody.generation = 3;
    assert_eq!(nobody.commit(8, &topic, 1).await, ILLEGAL_GENERATION);
    assert_eq!(nobody.commit(9, &topic, 1).await, GROUP_ID_NOT_FOUND);
}

async fn metadata_is_limited(target: &Target) {
    let topic = target.topic_with("commit-metadata", 2, &[]).await;
    let group = target.group("commit-metadata").await;
    let mut request = commit(&group, &topic, 0, 1);
    let mut other = request.topics[0].partitions[0].clone();
    other.partition_index = 1;
    other.committed_metadata = Some(text("x".repeat(4096)));
    request.topics[0].partitions[0].committed_metadata = Some(text("x".repeat(4097)));
    request.topics[0].partitions.push(other);
    let answer = target.call(8, request).await;
    let mut errors: Vec<_> = answer.topics[0]
        .partitions
        .iter()
        .map(|partition| (partition.partition_index, partition.error_code))
        .collect();
    errors.sort_unstable();
    assert_eq!(errors, [(0, OFFSET_METADATA_TOO_LARGE), (1, NONE)]);
    // No metadata is an empty text.
    let mut request = commit(&group, &topic, 0, 2);
    request.topics[0].partitions[0].committed_metadata = None;
    let answer = target.call(8, request).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, NONE);
    let request = fetch_offsets(&group, Some(&[(&topic, &[0])]));
    let answer = target.call(8, request).await;
    let metadata = answer.groups[0].topics[0].partitions[0].metadata.clone();
    assert_eq!(metadata.as_deref(), Some(""));
}

async fn unknown_partitions_are_refused_one_by_one(target: &Target) {
    let topic = target.topic("commit-unknown").await;
    let group = target.group("commit-unknown").await;
    let missing = Topic {
        name: target.unique("missing"),
        ..topic.clone()
    };
    let mut request = commit(&group, &topic, 0, 1);
    let mut other = request.topics[0].partitions[0].clone();
    other.partition_index = 9;
    request.topics[0].partitions.push(other);
    request.topics.extend(commit(&group, &missing, 0, 1).topics);
    let answer = target.call(8, request).await;
    for topic_answer in &answer.topics {
        for partition in &topic_answer.partitions {
            let known = topic_answer.name == topic.name() && partition.partition_index == 0;
            let error = if known {
                NONE
            } else {
                UNKNOWN_TOPIC_OR_PARTITION
            };
            assert_eq!(partition.error_code, error);
        }
    }
    assert_eq!(answer.topics.len(), 2);
}

async fn nothing_committed_is_no_error(target: &Target) {
    let topic = target.topic("nothing-committed").await;
    let group = target.group("nothing-committed").await;
    assert_eq!(target.committed(&group, &topic, true).await, (-1, NONE));
    let request = fetch_offsets(&group, None);
    let answer = target.call(8, request).await;
    assert_eq!(answer.groups[0].error_code, NONE);
    assert!(answer.groups[0].topics.is_empty());
}

async fn null_topics_are_all(target: &Target) {
    let one = target.topic("all-offsets").await;
    let two = target.topic("all-offsets").await;
    let group = target.group("all-offsets").await;
    target.commit(&group, &one, 1).await;
    target.commit(&group, &two, 2).await;
    let answer = target.call(9, fetch_offsets(&group, None)).await;
    let mut seen: Vec<_> = answer.groups[0]
        .topics
        .iter()
        .map(|topic| (topic.name.to_string(), topic.partitions[0].committed_offset))
        .collect();
    seen.sort();
    let mut expected = [(one.name, 1), (two.name, 2)];
    expected.sort();
    assert_eq!(seen, expected);
    for version in [2, 7] {
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(&*group))
            .with_topics(None);
        let answer = target.call(version, request).await;
        assert_eq!(answer.topics.len(), 2, "version {version}");
    }
}

async fn several_groups_are_fetched_at_once(target: &Target) {
    let topic = target.topic("several-groups").await;
    let one = target.group("several-1").await;
    let two = target.group("several-2").await;
    target.commit(&one, &topic, 1).await;
    target.commit(&two, &topic, 2).await;
    let asked = [&one, &two].map(|group| {
        OffsetFetchRequestGroup::default()
            .with_group_id(group_id(&**group))
            .with_topics(None)
    });
    let request = OffsetFetchRequest::default().with_groups(asked.to_vec());
    let answer = target.call(8, request).await;
    let mut seen: Vec<_> = answer
        .groups
        .iter()
        .map(|group| {
            let offset = group.topics[0].partitions[0].committed_offset;
            (group.group_id.to_string(), offset)
        })
        .collect();
    seen.sort();
    assert_eq!(seen, [(one, 1), (two, 2)]);
}

async fn offsets_outlive_members(target: &Target) {
    let topic = target.topic("outlive").await;
    let mut members = target.stable("outlive", 1).await;
    assert_eq!(members[0].commit(9, &topic, 4).await, NONE);
    members[0].leave().await;
    let group = members[0].group.clone();
    assert_eq!(target.committed(&group, &topic, false).await, (4, NONE));
}

async fn the_offsets_of_a_deleted_topic_go_with_it(target: &Target) {
    let topic = target.topic("offsets-deleted").await;
    let group = target.group("offsets-deleted").await;
    target.commit(&group, &topic, 4).await;
    target.delete(&topic).await;
    crate::support::eventually("no offsets", async || {
        let answer = target.call(8, fetch_offsets(&group, None)).await;
        answer.groups[0].topics.is_empty().then_some(())
    })
    .await;
}
