use kafka_protocol::ResponseError;

use super::scene::{Join, REBALANCE, Scene, code};

/// Two members that have joined and not synced; the leader comes first.
fn joined(scene: &mut Scene) -> (i32, String, String) {
    let leader = scene.stable(1).remove(0);
    let mut second = scene.join(Join::new());
    scene.join(Join::again(&leader));
    let second = second.get();
    (second.generation_id, leader, second.member_id.to_string())
}

#[test]
fn a_sync_waits_for_the_leader() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = joined(&mut scene);
    let mut early = scene.sync(generation, &follower, &[]);
    early.waits();
    let own = scene.sync(generation, &leader, &[(&follower, "b"), (&leader, "a")]);
    let mut own = own;
    assert_eq!(&own.get().assignment[..], b"a");
    let early = early.get();
    assert_eq!(&early.assignment[..], b"b");
    assert_eq!(early.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(early.protocol_name.as_deref(), Some("range"));
    assert_eq!(scene.state(), "Stable");
    let again = scene.sync(generation, &follower, &[]).get();
    assert_eq!(&again.assignment[..], b"b", "in Stable it is given at once");
}

#[test]
fn a_new_join_fails_a_waiting_sync() {
    let mut scene = Scene::new();
    let (generation, _, follower) = joined(&mut scene);
    let mut waiting = scene.sync(generation, &follower, &[]);
    scene.join(Join::new());
    let rebalance = code(ResponseError::RebalanceInProgress);
    assert_eq!(waiting.get().error_code, rebalance);
    let late = scene.sync(generation, &follower, &[]).get();
    assert_eq!(late.error_code, rebalance);
}

#[test]
fn a_sync_of_another_generation_or_member_is_refused() {
    let mut scene = Scene::new();
    let (generation, _, follower) = joined(&mut scene);
    let old = scene.sync(generation - 1, &follower, &[]).get();
    assert_eq!(old.error_code, code(ResponseError::IllegalGeneration));
    let unknown = scene.sync(generation, "nobody", &[]).get();
    assert_eq!(unknown.error_code, code(ResponseError::UnknownMemberId));
}

#[test]
fn who_sends_no_sync_within_the_rebalance_timeout_is_out() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = joined(&mut scene);
    let mut waiting = scene.sync(generation, &follower, &[]);
    for _ in 0..6 {
        scene.pass(9_999);
        assert_eq!(scene.heartbeat(generation, &leader), Ok(()));
    }
    waiting.waits();
    scene.pass(u64::try_from(REBALANCE).expect("positive") - 6 * 9_999);
    let rebalance = code(ResponseError::RebalanceInProgress);
    assert_eq!(waiting.get().error_code, rebalance);
    let gone = scene.heartbeat(generation, &leader);
    assert_eq!(gone, Err(ResponseError::UnknownMemberId));
    let next = scene.join(Join::again(&follower)).get();
    assert_eq!(*next.leader, *follower);
}

#[test]
fn a_member_that_waits_for_its_sync_needs_no_heartbeat() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = joined(&mut scene);
    let mut waiting = scene.sync(generation, &follower, &[]);
    for _ in 0..5 {
        scene.pass(9_999);
        assert_eq!(scene.heartbeat(generation, &leader), Ok(()));
    }
    let _ = scene.sync(generation, &leader, &[]);
    assert_eq!(waiting.get().error_code, 0);
    scene.pass(9_999);
    assert_eq!(scene.heartbeat(generation, &follower), Ok(()), "renewed");
}

#[test]
fn a_heartbeat_tells_of_a_rebalance_only_while_joins_are_awaited() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = joined(&mut scene);
    assert_eq!(scene.heartbeat(generation, &follower), Ok(()));
    let _ = scene.sync(generation, &follower, &[]);
    let _ = scene.sync(generation, &leader, &[]);
    assert_eq!(scene.heartbeat(generation, &follower), Ok(()));
    scene.join(Join::again(&leader));
    let rebalance = Err(ResponseError::RebalanceInProgress);
    assert_eq!(scene.heartbeat(generation, &follower), rebalance);
    let old = scene.heartbeat(generation - 1, &follower);
    assert_eq!(old, Err(ResponseError::IllegalGeneration));
}

#[test]
fn a_member_that_is_not_heard_of_is_out_and_the_others_rebalance() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    scene.pass(5_000);
    assert_eq!(scene.heartbeat(generation, &ids[0]), Ok(()));
    scene.pass(5_000);
    assert_eq!(scene.state(), "PreparingRebalance");
    let next = scene.join(Join::again(&ids[0])).get();
    assert_eq!(next.members.len(), 1);
}

#[test]
fn an_assignment_that_can_not_be_stored_is_not_given_out() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = joined(&mut scene);
    let mut waiting = scene.sync(generation, &follower, &[]);
    scene.broken = true;
    let failed = scene.sync(generation, &leader, &[(&follower, "b")]).get();
    let unavailable = code(ResponseError::CoordinatorNotAvailable);
    assert_eq!(failed.error_code, unavailable);
    let waiting = waiting.get();
    assert_eq!(waiting.error_code, unavailable);
    assert!(waiting.assignment.is_empty());
    assert_eq!(scene.state(), "PreparingRebalance");
}

#[test]
fn a_forced_rebalance_makes_everybody_join_again() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    scene.group.force_rebalance(scene.now);
    for id in &ids {
        let told = scene.heartbeat(generation, id);
        assert_eq!(told, Err(ResponseError::RebalanceInProgress));
    }
    scene.join(Join::again(&ids[0]));
    let next = scene.join(Join::again(&ids[1])).get();
    assert_eq!(next.generation_id, generation + 1);
}
