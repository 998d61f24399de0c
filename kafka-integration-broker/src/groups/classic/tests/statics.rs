use kafka_protocol::ResponseError;

use super::scene::{Join, Scene, code};

/// A stable group of a static leader and a static follower.
fn stable(scene: &mut Scene) -> (i32, String, String) {
    let mut leader = scene.join(Join::new().instance("l").version(9));
    scene.pass(0);
    let leader = leader.get().member_id.to_string();
    let mut follower = scene.join(Join::new().instance("f").version(9));
    scene.join(Join::again(&leader).instance("l").version(9));
    let answer = follower.get();
    let (generation, follower) = (answer.generation_id, answer.member_id.to_string());
    let _ = scene.sync(generation, &follower, &[]);
    let _ = scene.sync(generation, &leader, &[(&leader, "a"), (&follower, "b")]);
    assert_eq!(scene.state(), "Stable");
    (generation, leader, follower)
}

#[test]
fn a_static_member_needs_no_second_join() {
    let mut scene = Scene::new();
    let mut answer = scene.join(Join::new().instance("i").version(9));
    scene.pass(0);
    let answer = answer.get();
    assert_eq!(answer.error_code, 0);
    assert!(answer.member_id.starts_with("i-"));
    assert_eq!(
        answer.members[0].group_instance_id.as_deref(),
        Some("i"),
        "the leader learns the instance"
    );
}

#[test]
fn a_follower_that_comes_back_keeps_its_assignment_without_a_rebalance() {
    let mut scene = Scene::new();
    let (generation, leader, old) = stable(&mut scene);
    let answer = scene.join(Join::new().instance("f").version(9)).get();
    assert_eq!((answer.error_code, answer.generation_id), (0, generation));
    assert_ne!(*answer.member_id, *old);
    assert_eq!(*answer.leader, *leader);
    assert!(!answer.skip_assignment);
    assert!(answer.members.is_empty());
    let sync = scene.sync(generation, &answer.member_id, &[]).get();
    assert_eq!(&sync.assignment[..], b"b");
    assert_eq!(scene.heartbeat(generation, &leader), Ok(()));
    let stored = serde_json::to_string(&scene.stored).expect("json");
    assert!(stored.contains(&*answer.member_id) && !stored.contains(&*old));
}

#[test]
fn a_leader_that_comes_back_is_told_not_to_assign() {
    let mut scene = Scene::new();
    let (generation, old, _) = stable(&mut scene);
    let answer = scene.join(Join::new().instance("l").version(9)).get();
    assert_eq!(answer.generation_id, generation);
    assert_eq!(answer.leader, answer.member_id);
    assert_eq!(answer.members.len(), 2);
    assert!(answer.skip_assignment);

    // One that can't be told is kept from knowing that it leads.
    let older = scene.join(Join::new().instance("l").version(8)).get();
    assert_eq!(older.leader, answer.member_id, "the id before this one");
    assert!(older.members.is_empty() && !older.skip_assignment);
    let gone = scene.heartbeat(generation, &old);
    assert_eq!(gone, Err(ResponseError::UnknownMemberId));
}

#[test]
fn the_old_id_of_an_instance_is_fenced() {
    let mut scene = Scene::new();
    let (_, _, old) = stable(&mut scene);
    scene.join(Join::new().instance("f").version(9));
    let fenced = scene.join(Join::again(&old).instance("f").version(9)).get();
    assert_eq!(fenced.error_code, code(ResponseError::FencedInstanceId));
    let mismatch = scene.leave(&[(&old, Some("f"))]);
    assert_eq!(mismatch, [code(ResponseError::FencedInstanceId)]);
    let unknown = scene.join(Join::again(&old).instance("z")).get();
    assert_eq!(unknown.error_code, code(ResponseError::UnknownMemberId));
}

#[test]
fn what_waits_under_the_old_id_is_answered() {
    let mut scene = Scene::new();
    let (_, leader, old) = stable(&mut scene);
    let fenced = code(ResponseError::FencedInstanceId);
    let mut joining = scene.join(Join::again(&old).instance("f").topic("b"));
    joining.waits();
    let mut back = scene.join(Join::new().instance("f").topic("b"));
    assert_eq!(joining.get().error_code, fenced);
    scene.join(Join::again(&leader).instance("l"));
    let back = back.get();
    let mut syncing = scene.sync(back.generation_id, &back.member_id, &[]);
    scene.join(Join::new().instance("f").topic("b")).waits();
    assert_eq!(syncing.get().error_code, fenced);
    assert_eq!(
        scene.state(),
        "PreparingRebalance",
        "the leader knew the old id"
    );
}

#[test]
fn a_static_member_with_another_protocol_rebalances() {
    let mut scene = Scene::new();
    let mut only = scene.join(Join::new().instance("i").protocols(&["range", "sticky"]));
    scene.pass(0);
    let only = only.get();
    let _ = scene.sync(only.generation_id, &only.member_id, &[]);
    let back = Join::new().instance("i").protocols(&["sticky"]);
    let answer = scene.join(back).get();
    assert_eq!(answer.generation_id, only.generation_id + 1);
    assert_eq!(answer.protocol_name.as_deref(), Some("sticky"));
}

#[test]
fn an_instance_that_can_not_be_stored_keeps_its_old_id() {
    let mut scene = Scene::new();
    let (generation, _, old) = stable(&mut scene);
    scene.broken = true;
    let answer = scene.join(Join::new().instance("f").version(9)).get();
    assert_eq!(
        answer.error_code,
        code(ResponseError::CoordinatorNotAvailable)
    );
    assert_eq!(scene.heartbeat(generation, &old), Ok(()));
    scene.pass(9_999);
    assert_eq!(scene.heartbeat(generation, &old), Ok(()));
}

#[test]
fn a_rebalance_does_not_drop_a_static_member_that_is_late() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = stable(&mut scene);
    let mut answer = scene.join(Join::again(&leader).instance("l").version(9));
    for _ in 0..7 {
        scene.pass(9_000);
        let _ = scene.heartbeat(generation, &follower);
    }
    let answer = answer.get();
    assert_eq!(answer.generation_id, generation + 1);
    assert_eq!(answer.members.len(), 2);
}

#[test]
fn static_members_of_whom_nobody_comes_keep_the_generation() {
    let mut scene = Scene::new();
    let (generation, leader, follower) = stable(&mut scene);
    scene.group.force_rebalance(scene.now);
    for _ in 0..10 {
        scene.pass(9_000);
        let _ = scene.heartbeat(generation, &leader);
        let _ = scene.heartbeat(generation, &follower);
    }
    assert_eq!(scene.group.generation, generation);
    assert_eq!(scene.state(), "PreparingRebalance");
    scene.pass(10_000);
    assert_eq!(scene.state(), "Empty");
}
