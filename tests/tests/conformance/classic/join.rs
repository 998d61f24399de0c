use bytes::Bytes;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::groups::join_all;

cases!(
    a_new_member_is_given_an_id_first,
    before_version_4_a_member_joins_at_once,
    an_id_that_was_never_given_is_unknown,
    a_member_that_was_given_an_id_is_waited_for,
    only_the_leader_learns_of_the_members,
    the_first_choice_of_most_is_taken,
    a_member_without_a_common_protocol_is_refused,
    a_follower_that_did_not_change_stays,
    a_follower_that_changed_rebalances,
    a_leader_that_comes_back_rebalances,
    a_join_repeated_before_the_sync_has_the_same_answer,
    bad_requests_are_refused,
    every_version_joins,
    a_second_join_of_a_waiting_member_replaces_the_first,
);

async fn a_new_member_is_given_an_id_first(target: &Target) {
    let group = target.group("id-first").await;
    let mut member = target.member(&group).await;
    for version in 4..=9 {
        let answer = member.join(version).await;
        assert_eq!(answer.error_code, MEMBER_ID_REQUIRED, "version {version}");
        assert!(
            answer.member_id.starts_with("raw-"),
            "the client's id leads"
        );
        assert_eq!(answer.generation_id, -1);
        assert!(answer.members.is_empty() && answer.leader.is_empty());
    }
}

async fn before_version_4_a_member_joins_at_once(target: &Target) {
    for version in 0..=3 {
        let group = target.group("at-once").await;
        let mut member = target.member(&group).await;
        let answer = member.join(version).await;
        assert_eq!((answer.error_code, answer.generation_id), (NONE, 1));
        assert_eq!(answer.leader, answer.member_id, "version {version}");
        assert_eq!(answer.members.len(), 1);
    }
}

async fn an_id_that_was_never_given_is_unknown(target: &Target) {
    let group = target.group("never-given").await;
    let mut member = target.member(&group).await;
    member.id = "somebody".into();
    assert_eq!(member.join(9).await.error_code, UNKNOWN_MEMBER_ID);
    let members = target.stable("never-given", 1).await;
    let mut member = target.member(&members[0].group).await;
    member.id = "somebody".into();
    assert_eq!(member.join(9).await.error_code, UNKNOWN_MEMBER_ID);
}

async fn a_member_that_was_given_an_id_is_waited_for(target: &Target) {
    let mut members = target.stable("pending", 1).await;
    let mut first = members.remove(0);
    let mut pending = target.member(&first.group).await;
    pending.identify().await;
    assert_eq!(first.heartbeat().await, NONE, "an id alone is no rebalance");
    let ticket = first.send_join(9).await;
    assert!(first.waits().await);
    let both = pending.join(9).await;
    assert_eq!((both.error_code, both.generation_id), (NONE, 2));
    let answer = first.joined(ticket).await;
    assert_eq!((answer.error_code, answer.members.len()), (NONE, 2));
}

async fn only_the_leader_learns_of_the_members(target: &Target) {
    let group = target.group("leader").await;
    let one = target
        .member(&group)
        .await
        .protocols(&[("range", "of one")]);
    let two = target
        .member(&group)
        .await
        .protocols(&[("range", "of two")]);
    let mut members = [one, two];
    let answers = join_all(&mut members).await;
    let (leader, follower) = (&answers[0], &answers[1]);
    let [one, two] = members;
    assert_eq!(leader.leader, leader.member_id, "who came first leads");
    assert_eq!(follower.leader, leader.member_id);
    assert!(follower.members.is_empty());
    assert_eq!(leader.protocol_name.as_deref(), Some("range"));
    assert_eq!(leader.protocol_type.as_deref(), Some("test"));
    assert!(!leader.skip_assignment);
    let mut told: Vec<_> = leader
        .members
        .iter()
        .map(|member| (member.member_id.to_string(), member.metadata.clone()))
        .collect();
    told.sort();
    let mut expected = [
        (one.id.clone(), Bytes::from_static(b"of one")),
        (two.id.clone(), Bytes::from_static(b"of two")),
    ];
    expected.sort();
    assert_eq!(told, expected);
}

async fn the_first_choice_of_most_is_taken(target: &Target) {
    let group = target.group("choice").await;
    let choices = [
        [("sticky", "1"), ("range", "1")],
        [("range", "2"), ("sticky", "2")],
        [("range", "3"), ("sticky", "3")],
    ];
    let mut members = Vec::new();
    for choice in &choices {
        members.push(target.member(&group).await.protocols(choice));
    }
    for answer in join_all(&mut members).await {
        assert_eq!(answer.protocol_name.as_deref(), Some("range"));
        for told in &answer.members {
            assert!(told.metadata.len() == 1, "the metadata of that protocol");
        }
    }
}

async fn a_member_without_a_common_protocol_is_refused(target: &Target) {
    let members = target.stable("common", 1).await;
    let group = &members[0].group;
    let mut other = target.member(group).await.protocols(&[("sticky", "x")]);
    assert_eq!(other.join(9).await.error_code, INCONSISTENT_GROUP_PROTOCOL);
    let mut other = target.member(group).await;
    other.protocol_type = "connect";
    assert_eq!(other.join(9).await.error_code, INCONSISTENT_GROUP_PROTOCOL);
    let mut other = target.member(group).await.protocols(&[]);
    assert_eq!(other.join(9).await.error_code, INCONSISTENT_GROUP_PROTOCOL);

    let group = target.group("common-new").await;
    let mut first = target.member(&group).await.protocols(&[]);
    assert_eq!(first.join(9).await.error_code, INCONSISTENT_GROUP_PROTOCOL);
    let mut first = target.member(&group).await;
    first.protocol_type = "";
    assert_eq!(first.join(9).await.error_code, INCONSISTENT_GROUP_PROTOCOL);
}

async fn a_follower_that_did_not_change_stays(target: &Target) {
    let mut members = target.stable("unchanged", 2).await;
    let answer = members[1].join(9).await;
    assert_eq!((answer.error_code, answer.generation_id), (NONE, 2));
    assert!(answer.members.is_empty());
    assert_eq!(&*answer.leader, members[0].id);
    assert_eq!(members[0].heartbeat().await, NONE);
}

async fn a_follower_that_changed_rebalances(target: &Target) {
    let mut members = target.stable("changed", 2).await;
    let mut follower = members.pop().expect("two");
    let mut leader = members.pop().expect("two");
    follower = follower.protocols(&[("range", "other metadata")]);
    let ticket = follower.send_join(9).await;
    leader.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    let answer = leader.join(9).await;
    assert_eq!((answer.error_code, answer.generation_id), (NONE, 3));
    assert_eq!(&*answer.leader, leader.id, "the leader stays");
    assert_eq!(answer.members.len(), 2);
    assert_eq!(follower.joined(ticket).await.generation_id, 3);
}

async fn a_leader_that_comes_back_rebalances(target: &Target) {
    let mut members = target.stable("leader-again", 2).await;
    let mut follower = members.pop().expect("two");
    let mut leader = members.pop().expect("two");
    let ticket = leader.send_join(9).await;
    follower.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    assert_eq!(follower.join(9).await.generation_id, 3);
    let answer = leader.joined(ticket).await;
    assert_eq!((answer.error_code, answer.generation_id), (NONE, 3));
}

async fn a_join_repeated_before_the_sync_has_the_same_answer(target: &Target) {
    let group = target.group("repeated").await;
    let mut member = target.member(&group).await;
    member.identify().await;
    let first = member.join(9).await;
    let again = member.join(9).await;
    assert_eq!(first, again);
    assert_eq!(again.members.len(), 1, "for the leader");
}

async fn bad_requests_are_refused(target: &Target) {
    let mut member = target.member("").await;
    assert_eq!(member.join(9).await.error_code, INVALID_GROUP_ID);
    let group = target.group("bad-join").await;
    for session in [0, -1, 10, 10_000_000] {
        let mut member = target.member(&group).await.timeouts(session, 30_000);
        let error = member.join(9).await.error_code;
        assert_eq!(error, INVALID_SESSION_TIMEOUT, "{session} ms");
    }
}

async fn every_version_joins(target: &Target) {
    for version in 0..=9 {
        let group = target.group("join-versions").await;
        let mut member = target.member(&group).await;
        let mut answer = member.join(version).await;
        if version >= 4 {
            assert_eq!(answer.error_code, MEMBER_ID_REQUIRED);
            member.id = answer.member_id.to_string();
            answer = member.join(version).await;
        }
        assert_eq!(answer.error_code, NONE, "version {version}");
        assert_eq!(answer.members[0].metadata, "metadata");
        let name = answer.protocol_name.as_deref();
        assert_eq!(name, Some("range"), "version {version}");
    }
}

async fn a_second_join_of_a_waiting_member_replaces_the_first(target: &Target) {
    let mut members = target.stable("replaced", 1).await;
    let mut first = members.remove(0);
    let mut waiting = target.member(&first.group).await;
    waiting.identify().await;
    let _lost = waiting.send_join(9).await;
    assert!(waiting.waits().await);
    let mut again = target.member(&first.group).await;
    again.id.clone_from(&waiting.id);
    let ticket = again.send_join(9).await;
    assert!(again.waits().await);
    assert_eq!(first.join(9).await.members.len(), 2);
    assert_eq!(again.joined(ticket).await.error_code, NONE);
}
