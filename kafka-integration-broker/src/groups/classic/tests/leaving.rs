use kafka_protocol::ResponseError;

use super::scene::{Join, Scene, code};

#[test]
fn the_last_to_leave_empties_the_group() {
    let mut scene = Scene::new();
    let id = scene.stable(1).remove(0);
    let generation = scene.group.generation;
    assert_eq!(scene.leave(&[(&id, None)]), [0]);
    assert_eq!(scene.state(), "Empty");
    assert_eq!(scene.group.generation, generation + 1);
    assert!(scene.group.is_idle());
    let stored = scene.stored.expect("stored");
    assert!(stored.members.is_empty());
}

#[test]
fn the_others_rebalance_when_one_leaves() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    assert_eq!(scene.leave(&[(&ids[0], None)]), [0]);
    let told = scene.heartbeat(generation, &ids[1]);
    assert_eq!(told, Err(ResponseError::RebalanceInProgress));
    assert_eq!(*scene.join(Join::again(&ids[1])).get().leader, *ids[1]);
}

#[test]
fn leaving_completes_a_rebalance_that_waits_for_the_one_who_leaves() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let mut leader = scene.join(Join::again(&ids[0]));
    leader.waits();
    assert_eq!(scene.leave(&[(&ids[1], None)]), [0]);
    assert_eq!(leader.get().members.len(), 1);
}

#[test]
fn a_pending_member_may_leave() {
    let mut scene = Scene::new();
    let id = scene.join(Join::new().version(4)).get().member_id;
    assert_eq!(scene.leave(&[(&id, None)]), [0]);
    assert!(scene.group.is_unused());
}

#[test]
fn each_who_leaves_has_an_outcome() {
    let mut scene = Scene::new();
    let mut member = scene.join(Join::new().instance("i"));
    scene.pass(0);
    let id = member.get().member_id;
    let unknown = code(ResponseError::UnknownMemberId);
    let fenced = code(ResponseError::FencedInstanceId);
    let outcome = scene.leave(&[
        ("nobody", None),
        ("", None),
        ("", Some("j")),
        ("another", Some("i")),
        (&id, Some("j")),
        ("", Some("i")),
    ]);
    assert_eq!(outcome, [unknown, unknown, unknown, fenced, unknown, 0]);
    assert_eq!(scene.state(), "Empty");
}

#[test]
fn a_join_that_waits_is_answered_when_its_member_is_removed() {
    let mut scene = Scene::new();
    let ids = scene.stable(1);
    let mut waiting = scene.join(Join::new().instance("i"));
    scene.leave(&[("", Some("i"))]);
    let answer = waiting.get();
    assert_eq!(answer.error_code, code(ResponseError::UnknownMemberId));
    assert_eq!(answer.member_id.as_str(), "");
    assert!(scene.group.members.contains_key(&ids[0]));
}
