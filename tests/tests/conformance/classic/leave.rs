use kafka_protocol::messages::LeaveGroupRequest;
use kafka_protocol::messages::leave_group_request::MemberIdentity;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::shapes::{group_id, text};

cases!(
    a_member_that_leaves_rebalances_the_rest,
    every_version_leaves,
    an_unknown_member_cannot_leave,
    a_member_with_an_id_only_may_leave,
    several_members_leave_at_once,
    the_last_to_leave_leaves_an_empty_group,
);

async fn a_member_that_leaves_rebalances_the_rest(target: &Target) {
    let mut members = target.stable("leave", 2).await;
    assert_eq!(members[1].leave().await, NONE);
    assert_eq!(members[1].heartbeat().await, UNKNOWN_MEMBER_ID);
    members[0].heartbeat_until(REBALANCE_IN_PROGRESS).await;
    let answer = members[0].join(9).await;
    assert_eq!((answer.generation_id, answer.members.len()), (3, 1));
}

async fn every_version_leaves(target: &Target) {
    for version in 0..=5 {
        let mut members = target.stable("leave-versions", 1).await;
        let member = &mut members[0];
        let request = LeaveGroupRequest::default().with_group_id(group_id(&*member.group));
        let request = if version < 3 {
            request.with_member_id(text(&*member.id))
        } else {
            let identity = MemberIdentity::default().with_member_id(text(&*member.id));
            request.with_members(vec![identity])
        };
        let answer = member.connection.call(version, request.clone()).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        let again = member.connection.call(version, request).await;
        if version < 3 {
            assert_eq!(again.error_code, UNKNOWN_MEMBER_ID);
        } else {
            assert_eq!(answer.members[0].error_code, NONE);
            assert_eq!(again.error_code, NONE);
            assert_eq!(again.members[0].error_code, UNKNOWN_MEMBER_ID);
        }
    }
}

async fn an_unknown_member_cannot_leave(target: &Target) {
    let group = target.group("leave-missing").await;
    let mut nobody = target.member(&group).await;
    nobody.id = "somebody".into();
    assert_eq!(nobody.leave().await, UNKNOWN_MEMBER_ID);
    let request = LeaveGroupRequest::default()
        .with_group_id(group_id(""))
        .with_member_id(text("somebody"));
    let answer = target.call(2, request).await;
    assert_eq!(answer.error_code, INVALID_GROUP_ID);
}

async fn a_member_with_an_id_only_may_leave(target: &Target) {
    let mut members = target.stable("leave-pending", 1).await;
    let mut first = members.remove(0);
    let mut pending = target.member(&first.group).await;
    pending.identify().await;
    let ticket = first.send_join(9).await;
    assert!(first.waits().await);
    assert_eq!(pending.leave().await, NONE);
    assert_eq!(first.joined(ticket).await.members.len(), 1);
}

async fn several_members_leave_at_once(target: &Target) {
    let mut members = target.stable("leave-several", 3).await;
    let ids = [&*members[1].id, "somebody", &*members[2].id];
    let identities = ids.map(|id| MemberIdentity::default().with_member_id(text(id)));
    let request = LeaveGroupRequest::default()
        .with_group_id(group_id(&*members[0].group))
        .with_members(identities.to_vec());
    let answer = target.call(5, request).await;
    let told: Vec<_> = answer
        .members
        .iter()
        .map(|member| (&*member.member_id, member.error_code))
        .collect();
    let errors = [NONE, UNKNOWN_MEMBER_ID, NONE];
    assert_eq!(told, ids.into_iter().zip(errors).collect::<Vec<_>>());
    members[0].heartbeat_until(REBALANCE_IN_PROGRESS).await;
    assert_eq!(members[0].join(9).await.members.len(), 1);
}

async fn the_last_to_leave_leaves_an_empty_group(target: &Target) {
    let mut members = target.stable("leave-last", 1).await;
    assert_eq!(members[0].leave().await, NONE);
    let described = target.describe_group(5, &members[0].group).await;
    assert_eq!(&*described.group_state, "Empty");
    assert_eq!(&*described.protocol_type, "test");
    assert!(described.members.is_empty());
}
