use std::time::Duration;

use kafka_protocol::ResponseError;

use super::scene::{Join, Scene, code};
use crate::groups::Settings;

#[test]
fn a_dynamic_member_gets_an_id_and_joins_with_it() {
    let mut scene = Scene::new();
    let refusal = scene.join(Join::new().version(4)).get();
    assert_eq!(refusal.error_code, code(ResponseError::MemberIdRequired));
    assert!(refusal.member_id.starts_with("client-"));
    let mut answer = scene.join(Join::again(&refusal.member_id).version(4));
    answer.waits();
    scene.pass(0);
    let joined = answer.get();
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    assert_eq!(joined.member_id, refusal.member_id);
    assert_eq!(joined.leader, refusal.member_id);
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    assert_eq!(joined.members.len(), 1);
}

#[test]
fn a_pending_member_holds_a_rebalance_up_until_its_session_ends() {
    let mut scene = Scene::new();
    let leader = scene.stable(1).remove(0);
    scene.join(Join::new().version(4));
    let mut answer = scene.join(Join::again(&leader));
    scene.pass(9_999);
    answer.waits();
    scene.pass(1);
    assert_eq!(answer.get().generation_id, 2);
}

#[test]
fn an_id_that_was_never_given_out_is_unknown() {
    let mut scene = Scene::new();
    let unknown = code(ResponseError::UnknownMemberId);
    assert_eq!(scene.join(Join::again("mine")).get().error_code, unknown);
    scene.stable(1);
    assert_eq!(scene.join(Join::again("mine")).get().error_code, unknown);
}

fn with_delay() -> Scene {
    Scene::with(Settings {
        initial_rebalance_delay: Duration::from_secs(3),
        ..Settings::default()
    })
}

#[test]
fn a_first_rebalance_waits_its_delay_and_again_for_each_who_comes() {
    let mut scene = with_delay();
    let mut first = scene.join(Join::new());
    scene.pass(2_000);
    let mut second = scene.join(Join::new());
    scene.pass(1_000);
    first.waits();
    scene.pass(2_999);
    first.waits();
    scene.pass(1);
    assert_eq!(first.get().generation_id, 1);
    assert_eq!(second.get().generation_id, 1);
}

#[test]
fn a_first_rebalance_alone_ends_after_its_delay() {
    let mut scene = with_delay();
    let mut first = scene.join(Join::new());
    scene.pass(2_999);
    first.waits();
    scene.pass(1);
    assert_eq!(first.get().generation_id, 1);
}

#[test]
fn a_first_rebalance_waits_no_longer_than_the_rebalance_timeout() {
    let mut scene = with_delay();
    let mut first = scene.join(Join::new().rebalance_timeout(5_000));
    scene.pass(2_000);
    scene.join(Join::new().rebalance_timeout(5_000));
    scene.pass(2_000);
    scene.join(Join::new().rebalance_timeout(5_000));
    scene.pass(999);
    first.waits();
    scene.pass(1);
    assert_eq!(first.get().generation_id, 1);
}

#[test]
fn a_rebalance_ends_when_all_have_joined() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    let mut third = scene.join(Join::new());
    let mut first = scene.join(Join::again(&ids[0]));
    first.waits();
    third.waits();
    let mut second = scene.join(Join::again(&ids[1]));
    let (first, second) = (first.get(), second.get());
    assert_eq!(first.generation_id, generation + 1);
    assert_eq!(first.members.len(), 3, "the leader is told of all");
    assert!(second.members.is_empty(), "a follower is told of nobody");
    assert_eq!(third.get().leader, first.member_id);
}

#[test]
fn who_does_not_come_within_the_largest_rebalance_timeout_is_out() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    let mut third = scene.join(Join::new().rebalance_timeout(90_000));
    let mut first = scene.join(Join::again(&ids[0]));
    for _ in 0..9 {
        scene.pass(9_999);
        let waiting = scene.heartbeat(generation, &ids[1]);
        assert_eq!(waiting, Err(ResponseError::RebalanceInProgress));
        first.waits();
    }
    scene.pass(9);
    let first = first.get();
    assert_eq!(first.members.len(), 2);
    assert_eq!(third.get().generation_id, generation + 1);
    let gone = scene.heartbeat(generation + 1, &ids[1]);
    assert_eq!(gone, Err(ResponseError::UnknownMemberId));
}

#[test]
fn the_leader_that_does_not_come_is_followed_by_one_who_did() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    scene.join(Join::new());
    let mut follower = scene.join(Join::again(&ids[1]));
    for _ in 0..6 {
        scene.pass(9_999);
        let _ = scene.heartbeat(generation, &ids[0]);
    }
    scene.pass(6);
    let answer = follower.get();
    assert_ne!(*answer.leader, *ids[0]);
    assert_eq!(answer.generation_id, generation + 1);
}

#[test]
fn rejoining_a_stable_group_rebalances_for_the_leader_and_for_changes() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    let same = scene.join(Join::again(&ids[1])).get();
    assert_eq!((same.error_code, same.generation_id), (0, generation));
    assert!(same.members.is_empty());
    assert_eq!(scene.state(), "Stable");

    scene.join(Join::again(&ids[1]).topic("b")).waits();
    assert_eq!(scene.state(), "PreparingRebalance");
    scene.join(Join::again(&ids[0]));
    let generation = scene.group.generation;
    for id in ids.iter().rev() {
        let _ = scene.sync(generation, id, &[]);
    }
    scene.join(Join::again(&ids[0])).waits();
    assert_eq!(scene.state(), "PreparingRebalance");
}

#[test]
fn a_join_whose_answer_was_lost_is_answered_again() {
    let mut scene = Scene::new();
    let mut answer = scene.join(Join::new());
    scene.pass(0);
    let first = answer.get();
    let again = scene.join(Join::again(&first.member_id)).get();
    assert_eq!(again, first);
    assert_eq!(scene.state(), "CompletingRebalance");
    scene.join(Join::again(&first.member_id).topic("b"));
    assert_eq!(
        scene.group.generation, 2,
        "with other metadata: a rebalance"
    );
}

#[test]
fn the_protocol_is_the_one_that_all_know_and_most_prefer() {
    let mut scene = with_delay();
    let mut first = scene.join(Join::new().protocols(&["rare", "range", "sticky"]));
    scene.join(Join::new().protocols(&["sticky", "range"]));
    scene.join(Join::new().protocols(&["sticky", "range", "rare"]));
    let refusal = scene.join(Join::new().protocols(&["rare"])).get();
    let inconsistent = code(ResponseError::InconsistentGroupProtocol);
    assert_eq!(refusal.error_code, inconsistent);
    let mut other = Join::new();
    other.protocol_type = "connect";
    assert_eq!(scene.join(other).get().error_code, inconsistent);
    scene.pass(6_000);
    assert_eq!(first.get().protocol_name.as_deref(), Some("sticky"));
}

#[test]
fn a_join_without_protocols_is_refused() {
    let mut scene = Scene::new();
    let refusal = scene.join(Join::new().protocols(&[])).get();
    assert_eq!(
        refusal.error_code,
        code(ResponseError::InconsistentGroupProtocol)
    );
    assert!(scene.group.is_unused());
}

#[test]
fn a_group_takes_no_more_than_its_maximum() {
    let mut scene = Scene::with(Settings {
        max_size: 2,
        ..Settings::default()
    });
    let ids = scene.stable(2);
    let full = code(ResponseError::GroupMaxSizeReached);
    assert_eq!(scene.join(Join::new()).get().error_code, full);
    assert_eq!(scene.state(), "Stable");
    scene.join(Join::again(&ids[0])).waits();
}

#[test]
fn a_new_member_whose_client_hung_up_is_given_up_in_the_end() {
    let mut scene = Scene::new();
    let ids = scene.stable(1);
    // Its rebalance lasts longer than anybody waits.
    let leader_timeout = Join::again(&ids[0]).rebalance_timeout(i32::MAX);
    scene.join(leader_timeout);
    let generation = scene.group.generation;
    let _ = scene.sync(generation, &ids[0], &[]);
    scene.join(Join::new().rebalance_timeout(i32::MAX)).waits();
    for _ in 0..31 {
        scene.pass(9_999);
        let _ = scene.heartbeat(generation, &ids[0]);
    }
    assert_eq!(scene.group.members.len(), 1);
}
