use kafka_protocol::messages::HeartbeatRequest;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::shapes::{group_id, text};

cases!(
    every_version_beats,
    bad_heartbeats_are_refused,
    a_rebalance_is_told_only_while_it_is_prepared,
);

async fn every_version_beats(target: &Target) {
    let mut members = target.stable("beat", 1).await;
    let member = &mut members[0];
    for version in 0..=4 {
        let request = HeartbeatRequest::default()
            .with_group_id(group_id(&*member.group))
            .with_generation_id(member.generation)
            .with_member_id(text(&*member.id));
        let answer = member.connection.call(version, request).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
    }
}

async fn bad_heartbeats_are_refused(target: &Target) {
    let mut members = target.stable("bad-beat", 1).await;
    let member = &mut members[0];
    for generation in [0, 2, -1] {
        member.generation = generation;
        assert_eq!(member.heartbeat().await, ILLEGAL_GENERATION);
    }
    member.generation = 1;
    member.id = "somebody".into();
    assert_eq!(member.heartbeat().await, UNKNOWN_MEMBER_ID);
    member.group = target.group("bad-beat-missing").await;
    assert_eq!(member.heartbeat().await, UNKNOWN_MEMBER_ID);
    member.group = String::new();
    assert_eq!(member.heartbeat().await, INVALID_GROUP_ID);
}

async fn a_rebalance_is_told_only_while_it_is_prepared(target: &Target) {
    let mut members = target.stable("beat-rebalance", 1).await;
    let mut first = members.remove(0);
    let mut second = target.member(&first.group).await;
    second.identify().await;
    let ticket = second.send_join(9).await;
    first.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    first.join(9).await;
    second.joined(ticket).await;
    assert_eq!(
        target.group_state(&first.group).await,
        "CompletingRebalance"
    );
    assert_eq!(first.heartbeat().await, NONE);
    assert_eq!(second.heartbeat().await, NONE);
}
