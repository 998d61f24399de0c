//! Members that are silent, or late.

use std::time::{Duration, Instant};

use crate::support::codes::*;
use crate::support::groups::rebalance;
use crate::support::{Target, eventually};

cases!(
    a_silent_member_is_removed,
    a_heartbeat_keeps_a_member,
    the_last_silent_member_leaves_an_empty_group,
    a_commit_keeps_a_member,
    a_member_that_does_not_rejoin_is_dropped,
    an_id_that_is_not_used_is_forgotten,
    a_member_that_waits_to_join_is_not_silent,
);

async fn a_silent_member_is_removed(target: &Target) {
    let group = target.group("silent").await;
    let one = target.member(&group).await;
    let two = target.member(&group).await.timeouts(1_000, 30_000);
    let mut members = [one, two];
    rebalance(&mut members).await;
    let [mut one, mut two] = members;
    one.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    let answer = one.join(9).await;
    assert_eq!((answer.generation_id, answer.members.len()), (3, 1));
    assert_eq!(two.heartbeat().await, UNKNOWN_MEMBER_ID);
}

async fn a_heartbeat_keeps_a_member(target: &Target) {
    let group = target.group("kept").await;
    let mut member = target.member(&group).await.timeouts(1_000, 30_000);
    member.identify().await;
    member.join(9).await;
    let id = member.id.clone();
    member.sync_all(&[&id]).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(member.heartbeat().await, NONE);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn the_last_silent_member_leaves_an_empty_group(target: &Target) {
    let group = target.group("last").await;
    let mut member = target.member(&group).await.timeouts(1_000, 30_000);
    member.identify().await;
    member.join(9).await;
    let id = member.id.clone();
    member.sync_all(&[&id]).await;
    eventually("the group is empty", async || {
        (target.group_state(&group).await == "Empty").then_some(())
    })
    .await;
    assert_eq!(member.heartbeat().await, UNKNOWN_MEMBER_ID);
    let mut next = target.member(&group).await;
    next.identify().await;
    let generation = next.join(9).await.generation_id;
    assert!(
        generation > 1,
        "{generation}: an empty generation was between"
    );
}

async fn a_commit_keeps_a_member(target: &Target) {
    let topic = target.topic("commit-keeps").await;
    let group = target.group("commit-keeps").await;
    let mut member = target.member(&group).await.timeouts(1_000, 30_000);
    member.identify().await;
    member.join(9).await;
    let id = member.id.clone();
    member.sync_all(&[&id]).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2_500) {
        assert_eq!(member.commit(8, &topic, 0).await, NONE);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn a_member_that_does_not_rejoin_is_dropped(target: &Target) {
    let group = target.group("late").await;
    let mut late = target.member(&group).await.timeouts(30_000, 1_000);
    late.identify().await;
    late.join(9).await;
    let id = late.id.clone();
    late.sync_all(&[&id]).await;
    let mut second = target.member(&group).await.timeouts(30_000, 500);
    second.identify().await;
    let began = Instant::now();
    let ticket = second.send_join(9).await;
    late.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    let answer = second.joined(ticket).await;
    assert_eq!((answer.error_code, answer.members.len()), (NONE, 1));
    let waited = began.elapsed();
    assert!(
        waited >= Duration::from_millis(950),
        "the largest timeout: {waited:?}"
    );
    assert_eq!(late.heartbeat().await, UNKNOWN_MEMBER_ID);
}

async fn an_id_that_is_not_used_is_forgotten(target: &Target) {
    let mut members = target.stable("unused", 1).await;
    let mut first = members.remove(0);
    let mut pending = target.member(&first.group).await.timeouts(1_000, 30_000);
    pending.identify().await;
    let ticket = first.send_join(9).await;
    assert!(first.waits().await);
    let answer = first.joined(ticket).await;
    assert_eq!((answer.error_code, answer.members.len()), (NONE, 1));
    assert_eq!(pending.join(9).await.error_code, UNKNOWN_MEMBER_ID);
}

async fn a_member_that_waits_to_join_is_not_silent(target: &Target) {
    let group = target.group("waiting").await;
    let mut slow = target.member(&group).await.timeouts(30_000, 3_000);
    slow.identify().await;
    slow.join(9).await;
    let id = slow.id.clone();
    slow.sync_all(&[&id]).await;
    let mut waiting = target.member(&group).await.timeouts(1_000, 3_000);
    waiting.identify().await;
    let ticket = waiting.send_join(9).await;
    // Longer than its session, as it can send nothing while it waits.
    let silent = waiting.connection.silent_for(Duration::from_millis(1_800));
    assert!(silent.await);
    assert_eq!(slow.join(9).await.members.len(), 2);
    assert_eq!(waiting.joined(ticket).await.error_code, NONE);
}
