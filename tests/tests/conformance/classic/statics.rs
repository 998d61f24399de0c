//! Members with a name of their own: static membership.

use kafka_protocol::messages::LeaveGroupRequest;
use kafka_protocol::messages::leave_group_request::MemberIdentity;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::groups::{Member, rebalance};
use crate::support::shapes::{group_id, text};

cases!(
    a_static_member_joins_at_once,
    a_follower_that_restarts_goes_on_without_a_rebalance,
    a_leader_that_restarts_learns_to_leave_the_assignment,
    a_leader_that_restarts_with_an_older_version_does_not_lead,
    the_old_self_is_fenced_everywhere,
    a_restart_with_another_protocol_list_rebalances,
    an_unknown_instance_is_unknown,
    an_administrator_removes_a_static_member,
    leaving_under_another_id_is_fenced,
    a_restart_while_the_group_prepares_takes_the_place,
);

async fn stable(target: &Target, case: &str) -> (Member, Member) {
    let group = target.group(case).await;
    let one = target.member(&group).await.instance("one");
    let two = target.member(&group).await.instance("two");
    let mut members = [one, two];
    rebalance(&mut members).await;
    let [leader, follower] = members;
    (leader, follower)
}

/// The same instance, as another process.
async fn restarted(target: &Target, old: &Member) -> Member {
    let instance = old.instance.as_deref().expect("a static member");
    target.member(&old.group).await.instance(instance)
}

async fn a_static_member_joins_at_once(target: &Target) {
    let group = target.group("static").await;
    let mut member = target.member(&group).await.instance("one");
    let answer = member.join(5).await;
    assert_eq!((answer.error_code, answer.generation_id), (NONE, 1));
    assert!(
        answer.member_id.starts_with("one-"),
        "{:?}",
        answer.member_id
    );
    let instance = answer.members[0].group_instance_id.as_deref();
    assert_eq!(instance, Some("one"));
}

async fn a_follower_that_restarts_goes_on_without_a_rebalance(target: &Target) {
    let (mut leader, follower) = stable(target, "static-follower").await;
    let mut again = restarted(target, &follower).await;
    let answer = again.join(9).await;
    assert_eq!(answer.error_code, NONE);
    assert_eq!(answer.generation_id, follower.generation);
    assert_ne!(&*answer.member_id, follower.id, "a new id");
    assert!(answer.members.is_empty() && !answer.skip_assignment);
    assert_eq!(&*answer.leader, leader.id);
    let answer = again.sync(5, &[]).await;
    let expected = format!("to {}", follower.id);
    assert_eq!(
        (answer.error_code, answer.assignment),
        (NONE, expected.into())
    );
    assert_eq!(leader.heartbeat().await, NONE);
    assert_eq!(again.heartbeat().await, NONE);
}

async fn a_leader_that_restarts_learns_to_leave_the_assignment(target: &Target) {
    let (leader, mut follower) = stable(target, "static-leader").await;
    let mut again = restarted(target, &leader).await;
    let answer = again.join(9).await;
    assert_eq!(answer.error_code, NONE);
    assert_eq!(answer.generation_id, leader.generation);
    assert!(answer.skip_assignment);
    assert_eq!(answer.leader, answer.member_id);
    assert_eq!(answer.members.len(), 2);
    let answer = again.sync(5, &[]).await;
    let expected = format!("to {}", leader.id);
    assert_eq!(
        (answer.error_code, answer.assignment),
        (NONE, expected.into())
    );
    assert_eq!(follower.heartbeat().await, NONE);
}

async fn a_leader_that_restarts_with_an_older_version_does_not_lead(target: &Target) {
    let (leader, mut follower) = stable(target, "static-leader-8").await;
    let mut again = restarted(target, &leader).await;
    let answer = again.join(8).await;
    assert_eq!(
        (answer.error_code, answer.generation_id),
        (NONE, leader.generation)
    );
    assert_eq!(&*answer.leader, leader.id, "the old id");
    assert_ne!(&*answer.member_id, leader.id);
    assert!(answer.members.is_empty());
    assert_eq!(follower.heartbeat().await, NONE);
}

async fn the_old_self_is_fenced_everywhere(target: &Target) {
    let topic = target.topic("fenced").await;
    let (_, mut old) = stable(target, "static-fenced").await;
    let mut again = restarted(target, &old).await;
    assert_eq!(again.join(9).await.error_code, NONE);
    assert_eq!(old.heartbeat().await, FENCED_INSTANCE_ID);
    assert_eq!(old.sync(5, &[]).await.error_code, FENCED_INSTANCE_ID);
    assert_eq!(old.commit(8, &topic, 1).await, FENCED_INSTANCE_ID);
    assert_eq!(old.commit(9, &topic, 1).await, FENCED_INSTANCE_ID);
    assert_eq!(old.leave().await, FENCED_INSTANCE_ID);
    assert_eq!(old.join(9).await.error_code, FENCED_INSTANCE_ID);
    assert_eq!(again.heartbeat().await, NONE);
    // Without its instance nobody knows it.
    old.instance = None;
    assert_eq!(old.heartbeat().await, UNKNOWN_MEMBER_ID);
}

async fn a_restart_with_another_protocol_list_rebalances(target: &Target) {
    let (mut leader, follower) = stable(target, "static-changed").await;
    let again = restarted(target, &follower).await;
    let mut again = again.protocols(&[("range", "other metadata")]);
    let answer = again.join(9).await;
    // Other metadata for the same protocol is no change that counts.
    assert_eq!(answer.generation_id, follower.generation);
    assert_eq!(leader.heartbeat().await, NONE);
    let again = restarted(target, &follower).await;
    let mut again = again.protocols(&[("sticky", "first"), ("range", "second")]);
    let answer = again.join(9).await;
    assert_eq!(answer.generation_id, follower.generation);
    assert_eq!(
        leader.heartbeat().await,
        NONE,
        "the group's choice stays range"
    );
}

async fn an_unknown_instance_is_unknown(target: &Target) {
    let (leader, _) = stable(target, "static-unknown").await;
    let mut other = target.member(&leader.group).await.instance("three");
    other.id.clone_from(&leader.id);
    other.generation = leader.generation;
    assert_eq!(other.heartbeat().await, UNKNOWN_MEMBER_ID);
    assert_eq!(other.join(9).await.error_code, UNKNOWN_MEMBER_ID);
}

async fn an_administrator_removes_a_static_member(target: &Target) {
    let (mut leader, mut follower) = stable(target, "static-removed").await;
    let removed = |instance: &'static str| {
        MemberIdentity::default().with_group_instance_id(Some(text(instance)))
    };
    let request = LeaveGroupRequest::default()
        .with_group_id(group_id(&*leader.group))
        .with_members(vec![removed("two"), removed("three")]);
    let answer = target.call(5, request).await;
    let errors: Vec<_> = answer.members.iter().map(|m| m.error_code).collect();
    assert_eq!(errors, [NONE, UNKNOWN_MEMBER_ID]);
    assert_eq!(follower.heartbeat().await, UNKNOWN_MEMBER_ID);
    leader.heartbeat_until(REBALANCE_IN_PROGRESS).await;
}

async fn leaving_under_another_id_is_fenced(target: &Target) {
    let (leader, mut follower) = stable(target, "static-leave").await;
    let id = std::mem::replace(&mut follower.id, leader.id.clone());
    assert_eq!(follower.leave().await, FENCED_INSTANCE_ID);
    follower.id = id;
    assert_eq!(follower.leave().await, NONE);
}

async fn a_restart_while_the_group_prepares_takes_the_place(target: &Target) {
    let (mut leader, follower) = stable(target, "static-preparing").await;
    let mut third = target.member(&leader.group).await;
    third.identify().await;
    let ticket = third.send_join(9).await;
    leader.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    let mut again = restarted(target, &follower).await;
    let again_ticket = again.send_join(9).await;
    let answer = leader.join(9).await;
    assert_eq!((answer.error_code, answer.members.len()), (NONE, 3));
    assert_eq!(third.joined(ticket).await.error_code, NONE);
    assert_eq!(
        again.joined(again_ticket).await.generation_id,
        leader.generation
    );
}
