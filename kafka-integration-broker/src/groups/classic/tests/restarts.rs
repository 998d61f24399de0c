use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::super::ClassicGroup;
use super::scene::{Join, Scene};
use crate::groups::Settings;
use crate::groups::stored::StoredGroup;

/// The group as another process would read it back.
fn restart(scene: &Scene) -> Scene {
    let stored = scene.stored.clone().expect("stored");
    let bytes = serde_json::to_vec(&StoredGroup::Classic(stored)).expect("json");
    let StoredGroup::Classic(stored) = serde_json::from_slice(&bytes).expect("json") else {
        panic!("a classic group was stored");
    };
    let mut next = Scene::new();
    let settings = Arc::new(Settings::default());
    next.group = ClassicGroup::restore(Arc::from("g"), settings, stored, next.now);
    next
}

#[test]
fn a_stable_group_goes_on_after_a_restart() {
    let mut scene = Scene::new();
    let mut first = scene.join(Join::new());
    scene.pass(0);
    let id = first.get().member_id.to_string();
    let _ = scene.sync(1, &id, &[(&id, "mine")]);
    let mut scene = restart(&scene);
    assert_eq!(scene.state(), "Stable");
    assert_eq!(scene.heartbeat(1, &id), Ok(()));
    assert_eq!(scene.commit(1, &id), Ok(()));
    assert!(scene.group.is_subscribed("a") && !scene.group.is_subscribed("b"));
    assert_eq!(&scene.sync(1, &id, &[]).get().assignment[..], b"mine");
    let described = scene.group.describe();
    assert_eq!(described.protocol_data.as_str(), "range");
    assert_eq!(described.members[0].client_host.as_str(), "/127.0.0.1");
    assert!(!described.members[0].member_metadata.is_empty());
}

#[test]
fn followers_that_rejoin_after_a_restart_cause_no_rebalance() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    let mut scene = restart(&scene);
    let answer = scene.join(Join::again(&ids[1])).get();
    assert_eq!(answer.generation_id, generation);
}

#[test]
fn members_that_are_gone_after_a_restart_time_out() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    let mut scene = restart(&scene);
    scene.pass(9_999);
    assert_eq!(scene.state(), "Stable");
    scene.pass(1);
    assert_eq!(scene.state(), "Empty");
    let gone = scene.heartbeat(generation, &ids[0]);
    assert_eq!(gone, Err(ResponseError::UnknownMemberId));
}

#[test]
fn generations_do_not_begin_anew_in_an_empty_group() {
    let mut scene = Scene::new();
    let id = scene.stable(1).remove(0);
    scene.leave(&[(&id, None)]);
    let generation = scene.group.generation;
    let mut scene = restart(&scene);
    assert!(scene.group.is_idle() && !scene.group.is_unused());
    let mut answer = scene.join(Join::new());
    scene.pass(0);
    assert_eq!(answer.get().generation_id, generation + 1);
}

#[test]
fn what_was_not_assigned_is_not_restored() {
    let mut scene = Scene::new();
    let ids = scene.stable(1);
    let generation = scene.group.generation;
    scene.join(Join::new());
    scene.join(Join::again(&ids[0]));
    assert_eq!(scene.state(), "CompletingRebalance");
    let mut scene = restart(&scene);
    assert_eq!(scene.group.generation, generation);
    assert_eq!(scene.heartbeat(generation, &ids[0]), Ok(()));
}
