//! Epochs that are not the member's.

use crate::support::Target;
use crate::support::codes::*;
use crate::support::consumers::{Owned, all};

cases!(
    an_unknown_member_is_refused,
    an_epoch_ahead_is_fenced,
    an_epoch_behind_is_fenced,
    a_lost_answer_is_repeated,
    a_member_may_join_again,
    a_group_with_classic_members_is_not_joined_blindly,
);

async fn an_unknown_member_is_refused(target: &Target) {
    let topic = target.topic("unknown-consumer").await;
    let group = target.group("unknown-consumer").await;
    let mut nobody = target.consumer(&group).await;
    nobody.epoch = 3;
    let missing = nobody.beat().await;
    assert_eq!(missing, GROUP_ID_NOT_FOUND);
    let mut member = target.consumer(&group).await;
    member.join(&[&topic]).await;
    assert_eq!(nobody.beat().await, UNKNOWN_MEMBER_ID);
}

async fn an_epoch_ahead_is_fenced(target: &Target) {
    let topic = target.topic("ahead").await;
    let group = target.group("ahead").await;
    let mut member = target.consumer(&group).await;
    member.join(&[&topic]).await;
    let request = member.request().with_member_epoch(member.epoch + 1);
    let answer = member.send(request).await;
    assert_eq!(answer.error_code, FENCED_MEMBER_EPOCH);
    assert_eq!(member.beat().await, NONE, "the member itself goes on");
}

async fn an_epoch_behind_is_fenced(target: &Target) {
    let one = target.topic("behind-1").await;
    let two = target.topic("behind-2").await;
    let group = target.group("behind").await;
    let mut member = target.consumer(&group).await;
    member.join(&[&one]).await;
    member.owns(&all(&one, 1)).await;
    for topics in [vec![one.name(), two.name()], vec![two.name()]] {
        let request = member.request().with_subscribed_topic_names(Some(topics));
        assert_eq!(member.send(request).await.error_code, NONE);
        member.settle().await;
        member.settle().await;
    }
    member.owns(&all(&two, 1)).await;
    assert!(member.epoch >= 3, "{}", member.epoch);
    let request = member
        .request()
        .with_member_epoch(member.epoch - 2)
        .with_topic_partitions(Some(member.report()));
    let answer = member.send(request).await;
    assert_eq!(answer.error_code, FENCED_MEMBER_EPOCH);
}

async fn a_lost_answer_is_repeated(target: &Target) {
    let one = target.topic("lost-1").await;
    let two = target.topic("lost-2").await;
    let group = target.group("lost").await;
    let mut member = target.consumer(&group).await;
    member.join(&[&one]).await;
    member.owns(&all(&one, 1)).await;
    let before = member.epoch;
    let names = vec![one.name(), two.name()];
    let request = member
        .request()
        .with_subscribed_topic_names(Some(names))
        .with_topic_partitions(Some(member.report()));
    let first = member.send(request.clone()).await;
    assert_eq!((first.error_code, first.member_epoch), (NONE, before + 1));
    // It never came; the request is sent again with the epoch of before.
    let again = member.send(request.clone()).await;
    assert_eq!((again.error_code, again.member_epoch), (NONE, before + 1));
    let both: Owned = all(&one, 1).union(&all(&two, 1)).copied().collect();
    assert_eq!(member.assigned, both);
    // With the epoch of before and partitions it never had it is somebody else.
    let mut strange = request;
    member.owned = (0..5).map(|index| (one.id, index)).collect();
    strange.topic_partitions = Some(member.report());
    let answer = member.send(strange).await;
    assert_eq!(answer.error_code, FENCED_MEMBER_EPOCH);
}

async fn a_member_may_join_again(target: &Target) {
    let topic = target.topic("join-again").await;
    let group = target.group("join-again").await;
    let mut member = target.consumer(&group).await;
    member.join(&[&topic]).await;
    let epoch = member.epoch;
    member.assigned.clear();
    member.join(&[&topic]).await;
    assert_eq!(member.epoch, epoch);
    assert_eq!(member.assigned, all(&topic, 1));
    let described = target.describe_consumers(1, &group).await;
    assert_eq!(described.members.len(), 1);
}

async fn a_group_with_classic_members_is_not_joined_blindly(target: &Target) {
    let topic = target.topic("mixed").await;
    let mut members = target.stable("mixed", 1).await;
    // Of another protocol type than "consumer", so that nothing converts it.
    let mut consumer = target.consumer(&members[0].group).await;
    let answer = consumer.send(consumer.join_request(&[&topic])).await;
    assert_eq!(answer.error_code, GROUP_ID_NOT_FOUND);
    assert_eq!(members[0].heartbeat().await, NONE);
}
