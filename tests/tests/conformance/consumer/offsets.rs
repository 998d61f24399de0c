//! Offsets of consumer groups.

use kafka_protocol::messages::OffsetFetchRequest;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::consumers::Consumer;
use crate::support::offsets::commit;
use crate::support::shapes::{group_id, text};
use crate::support::topics::Topic;

cases!(
    a_member_commits_with_its_epoch,
    a_stale_epoch_cannot_commit,
    versions_before_9_cannot_commit,
    the_member_is_checked_when_it_fetches,
    an_empty_group_is_committed_to_from_outside,
    a_group_with_members_is_not_deleted,
);

async fn commit_as(consumer: &mut Consumer, version: i16, topic: &Topic, epoch: i32) -> i16 {
    let request = commit(&consumer.group, topic, 0, 7)
        .with_member_id(text(&*consumer.id))
        .with_generation_id_or_member_epoch(epoch);
    let answer = consumer.connection.call(version, request).await;
    answer.topics[0].partitions[0].error_code
}

async fn joined(target: &Target, case: &str) -> (Topic, Consumer) {
    let topic = target.topic(case).await;
    let group = target.group(case).await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    (topic, consumer)
}

async fn a_member_commits_with_its_epoch(target: &Target) {
    let (topic, mut consumer) = joined(target, "consumer-commits").await;
    let epoch = consumer.epoch;
    assert_eq!(commit_as(&mut consumer, 9, &topic, epoch).await, NONE);
    let committed = target.committed(&consumer.group, &topic, true).await;
    assert_eq!(committed, (7, NONE));
    consumer.id = "somebody".into();
    let error = commit_as(&mut consumer, 9, &topic, epoch).await;
    assert_eq!(error, UNKNOWN_MEMBER_ID);
}

async fn a_stale_epoch_cannot_commit(target: &Target) {
    let (topic, mut consumer) = joined(target, "consumer-stale").await;
    for epoch in [consumer.epoch - 1, consumer.epoch + 1] {
        let error = commit_as(&mut consumer, 9, &topic, epoch).await;
        assert_eq!(error, STALE_MEMBER_EPOCH, "{epoch}");
    }
    let error = commit_as(&mut consumer, 9, &topic, -1).await;
    assert_eq!(error, STALE_MEMBER_EPOCH);
}

async fn versions_before_9_cannot_commit(target: &Target) {
    let (topic, mut consumer) = joined(target, "consumer-8").await;
    let epoch = consumer.epoch;
    for version in 2..=8 {
        let error = commit_as(&mut consumer, version, &topic, epoch).await;
        assert_eq!(error, UNSUPPORTED_VERSION, "version {version}");
    }
}

async fn the_member_is_checked_when_it_fetches(target: &Target) {
    let (topic, mut consumer) = joined(target, "consumer-fetches").await;
    let epoch = consumer.epoch;
    assert_eq!(commit_as(&mut consumer, 9, &topic, epoch).await, NONE);
    for (id, epoch, error) in [
        (Some(&*consumer.id), epoch, NONE),
        (Some(&*consumer.id), epoch + 1, STALE_MEMBER_EPOCH),
        (Some("somebody"), epoch, UNKNOWN_MEMBER_ID),
        (None, -1, NONE),
    ] {
        let asked = OffsetFetchRequestGroup::default()
            .with_group_id(group_id(&*consumer.group))
            .with_member_id(id.map(text))
            .with_member_epoch(epoch)
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![asked]);
        let answer = consumer.connection.call(9, request).await;
        assert_eq!(answer.groups[0].error_code, error, "{id:?} {epoch}");
        let expected = usize::from(error == NONE);
        assert_eq!(answer.groups[0].topics.len(), expected);
    }
}

async fn an_empty_group_is_committed_to_from_outside(target: &Target) {
    let (topic, mut consumer) = joined(target, "consumer-outside").await;
    let group = consumer.group.clone();
    let answer = target.call(9, commit(&group, &topic, 0, 3)).await;
    let error = answer.topics[0].partitions[0].error_code;
    assert_eq!(error, UNKNOWN_MEMBER_ID);
    assert_eq!(consumer.leave(-1).await.error_code, NONE);
    let answer = target.call(9, commit(&group, &topic, 0, 3)).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, NONE);
    assert_eq!(target.committed(&group, &topic, true).await, (3, NONE));
}

async fn a_group_with_members_is_not_deleted(target: &Target) {
    use kafka_protocol::messages::DeleteGroupsRequest;

    let (_, mut consumer) = joined(target, "consumer-delete").await;
    let names = vec![group_id(&*consumer.group)];
    let request = DeleteGroupsRequest::default().with_groups_names(names);
    let answer = target.call(2, request.clone()).await;
    assert_eq!(answer.results[0].error_code, NON_EMPTY_GROUP);
    consumer.leave(-1).await;
    let answer = target.call(2, request).await;
    assert_eq!(answer.results[0].error_code, NONE);
}
