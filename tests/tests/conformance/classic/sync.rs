use crate::support::Target;
use crate::support::codes::*;
use crate::support::groups::join_all;

cases!(
    followers_wait_for_the_leader,
    a_sync_in_a_stable_group_repeats_the_assignment,
    a_member_the_leader_forgot_gets_nothing,
    a_new_member_ends_a_waiting_sync,
    a_sync_in_a_rebalance_is_told_so,
    bad_syncs_are_refused,
    every_version_syncs,
    a_member_that_does_not_sync_is_removed,
);

async fn followers_wait_for_the_leader(target: &Target) {
    let group = target.group("sync").await;
    let mut members = [target.member(&group).await, target.member(&group).await];
    join_all(&mut members).await;
    let [mut leader, mut follower] = members;
    let request = follower.sync_request(5, &[]);
    let ticket = follower.connection.send(5, request).await;
    assert!(follower.waits().await);
    assert_eq!(target.group_state(&group).await, "CompletingRebalance");
    let (one, two) = (leader.id.clone(), follower.id.clone());
    let answer = leader.sync_all(&[&one, &two]).await;
    assert_eq!(answer.assignment, format!("to {one}"));
    let answer = follower.connection.answer(ticket).await;
    assert_eq!(
        (answer.error_code, answer.assignment),
        (NONE, format!("to {two}").into())
    );
    assert_eq!(answer.protocol_name.as_deref(), Some("range"));
    assert_eq!(answer.protocol_type.as_deref(), Some("test"));
    assert_eq!(target.group_state(&group).await, "Stable");
}

async fn a_sync_in_a_stable_group_repeats_the_assignment(target: &Target) {
    let mut members = target.stable("sync-again", 2).await;
    for member in &mut members {
        let answer = member.sync(5, &[]).await;
        let expected = format!("to {}", member.id);
        assert_eq!(
            (answer.error_code, answer.assignment),
            (NONE, expected.into())
        );
    }
}

async fn a_member_the_leader_forgot_gets_nothing(target: &Target) {
    let group = target.group("forgotten").await;
    let mut leader = target.member(&group).await;
    leader.identify().await;
    leader.join(9).await;
    let answer = leader.sync_all(&["nobody"]).await;
    assert_eq!((answer.error_code, answer.assignment.len()), (NONE, 0));
}

async fn a_new_member_ends_a_waiting_sync(target: &Target) {
    let group = target.group("sync-ended").await;
    let mut members = [target.member(&group).await, target.member(&group).await];
    join_all(&mut members).await;
    let [_leader, mut follower] = members;
    let request = follower.sync_request(5, &[]);
    let ticket = follower.connection.send(5, request).await;
    assert!(follower.waits().await);
    let mut third = target.member(&group).await;
    third.identify().await;
    let _later = third.send_join(9).await;
    let answer = follower.connection.answer(ticket).await;
    assert_eq!(answer.error_code, REBALANCE_IN_PROGRESS);
    assert_eq!(target.group_state(&group).await, "PreparingRebalance");
}

async fn a_sync_in_a_rebalance_is_told_so(target: &Target) {
    let mut members = target.stable("sync-late", 1).await;
    let mut other = target.member(&members[0].group).await;
    other.identify().await;
    let _later = other.send_join(9).await;
    members[0].heartbeat_until(REBALANCE_IN_PROGRESS).await;
    let answer = members[0].sync(5, &[]).await;
    assert_eq!(answer.error_code, REBALANCE_IN_PROGRESS);
    assert!(answer.assignment.is_empty());
}

async fn bad_syncs_are_refused(target: &Target) {
    let mut members = target.stable("bad-sync", 1).await;
    let member = &mut members[0];
    member.generation += 1;
    assert_eq!(member.sync(5, &[]).await.error_code, ILLEGAL_GENERATION);
    member.generation -= 1;
    member.protocol_type = "connect";
    let error = member.sync(5, &[]).await.error_code;
    assert_eq!(error, INCONSISTENT_GROUP_PROTOCOL);
    member.protocol_type = "test";
    let request = member.sync_request(5, &[]);
    let other = request.with_protocol_name(Some(crate::support::shapes::text("sticky")));
    let error = member.connection.call(5, other).await.error_code;
    assert_eq!(error, INCONSISTENT_GROUP_PROTOCOL);
    member.id = "somebody".into();
    assert_eq!(member.sync(5, &[]).await.error_code, UNKNOWN_MEMBER_ID);
    member.group = target.group("bad-sync-missing").await;
    assert_eq!(member.sync(5, &[]).await.error_code, UNKNOWN_MEMBER_ID);
    member.group = String::new();
    assert_eq!(member.sync(5, &[]).await.error_code, INVALID_GROUP_ID);
}

async fn every_version_syncs(target: &Target) {
    let mut members = target.stable("sync-versions", 1).await;
    for version in 0..=5 {
        let answer = members[0].sync(version, &[]).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        assert!(!answer.assignment.is_empty());
    }
}

async fn a_member_that_does_not_sync_is_removed(target: &Target) {
    let group = target.group("no-sync").await;
    let leader = target.member(&group).await.timeouts(30_000, 1_000);
    let follower = target.member(&group).await.timeouts(30_000, 1_000);
    let mut members = [leader, follower];
    join_all(&mut members).await;
    let [mut leader, mut follower] = members;
    // The follower syncs, the leader never does.
    let answer = follower.sync(5, &[]).await;
    assert_eq!(answer.error_code, REBALANCE_IN_PROGRESS);
    assert_eq!(leader.heartbeat().await, UNKNOWN_MEMBER_ID);
    let answer = follower.join(9).await;
    assert_eq!((answer.error_code, answer.members.len()), (NONE, 1));
    assert_eq!(answer.leader, answer.member_id);
}
