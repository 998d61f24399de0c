use kafka_protocol::ResponseError;

use super::scene::{Join, Scene};
use crate::groups::CommittedOffset;

#[test]
fn the_current_generation_may_commit_while_a_rebalance_gathers() {
    let mut scene = Scene::new();
    let ids = scene.stable(2);
    let generation = scene.group.generation;
    assert_eq!(scene.commit(generation, &ids[1]), Ok(()));
    scene.join(Join::again(&ids[0]));
    assert_eq!(scene.state(), "PreparingRebalance");
    assert_eq!(scene.commit(generation, &ids[1]), Ok(()));
    scene.join(Join::again(&ids[1]));
    assert_eq!(scene.state(), "CompletingRebalance");
    let completing = scene.commit(generation + 1, &ids[1]);
    assert_eq!(completing, Err(ResponseError::RebalanceInProgress));
    let old = scene.commit(generation, &ids[1]);
    assert_eq!(old, Err(ResponseError::IllegalGeneration));
    assert_eq!(scene.txn_commit(generation + 1, &ids[1]), Ok(()));
}

#[test]
fn a_commit_renews_the_session() {
    let mut scene = Scene::new();
    let id = scene.stable(1).remove(0);
    for _ in 0..3 {
        scene.pass(9_000);
        assert_eq!(scene.commit(scene.group.generation, &id), Ok(()));
    }
    assert_eq!(scene.state(), "Stable");
}

#[test]
fn without_a_generation_only_an_empty_group_takes_commits() {
    let mut scene = Scene::new();
    assert_eq!(scene.commit(-1, ""), Ok(()));
    assert!(scene.group.is_unused());
    let id = scene.stable(1).remove(0);
    assert_eq!(scene.commit(-1, ""), Err(ResponseError::UnknownMemberId));
    assert_eq!(scene.txn_commit(-1, ""), Ok(()), "as older producers do");
    scene.leave(&[(&id, None)]);
    assert_eq!(scene.commit(-1, ""), Ok(()));
}

#[test]
fn a_stranger_may_not_commit() {
    let mut scene = Scene::new();
    scene.stable(1);
    let unknown = Err(ResponseError::UnknownMemberId);
    assert_eq!(scene.commit(1, "nobody"), unknown);
    assert_eq!(scene.txn_commit(1, "nobody"), unknown);
}

#[test]
fn the_topics_that_members_read_are_known() {
    let mut scene = Scene::new();
    assert!(!scene.group.is_subscribed("a"));
    let id = scene.stable(1).remove(0);
    assert!(scene.group.is_subscribed("a"));
    assert!(!scene.group.is_subscribed("b"));
    scene.leave(&[(&id, None)]);
    assert!(!scene.group.is_subscribed("a"));
}

#[test]
fn metadata_that_can_not_be_read_may_mean_any_topic() {
    let mut scene = Scene::new();
    let mut join = Join::new();
    join.protocols[0].1 = bytes::Bytes::from_static(b"?");
    scene.join(join);
    scene.pass(0);
    assert!(scene.group.is_subscribed("anything"));
    assert_eq!(scene.group.check_delete_offsets(), Ok(()));
}

#[test]
fn offsets_of_a_group_that_is_no_consumers_stay_while_it_lives() {
    let mut scene = Scene::new();
    let mut join = Join::new();
    join.protocol_type = "connect";
    scene.join(join);
    assert_eq!(
        scene.group.check_delete_offsets(),
        Err(ResponseError::NonEmptyGroup)
    );
}

#[test]
fn an_offset_is_of_use_while_its_topic_is_read() {
    let offset = CommittedOffset {
        offset: 1,
        leader_epoch: -1,
        metadata: String::new(),
        timestamp: 7,
    };
    let mut scene = Scene::new();
    assert_eq!(
        scene.group.unused_since("a", &offset),
        Some(7),
        "a simple group"
    );
    let id = scene.stable(1).remove(0);
    assert_eq!(scene.group.unused_since("a", &offset), None);
    assert_eq!(scene.group.unused_since("b", &offset), Some(7));
    scene.leave(&[(&id, None)]);
    let since = scene.group.unused_since("a", &offset);
    assert!(since > Some(7), "since it is empty, not since the commit");
}
