use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;

use super::fixture::{Fixture, beat, join_matching, owned, text};
use crate::groups::CommitClaim;
use crate::groups::consumer::{ConsumerGroup, StoredConsumer, Timing};

/// Through the bytes that are stored.
fn restart(group: &mut Fixture) {
    let bytes = serde_json::to_vec(&group.group.stored()).expect("it can be written");
    let stored: StoredConsumer = serde_json::from_slice(&bytes).expect("it can be read");
    assert_eq!(stored, group.group.stored());
    let id = Arc::from("group");
    group.group = ConsumerGroup::restore(id, Timing::default(), stored, group.now);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut group = Fixture::new(&[("orders", 4)]);
    group
        .send(&join_matching("a", "ord.*"))
        .expect("it may join");
    group.joins("b", &["orders"]);
    group.beats("a", 1);
    restart(&mut group);
    assert!(group.group.is_subscribed("orders"));
    assert_eq!(group.state(), "Reconciling");
    // What is held by `a` still is.
    assert_eq!(group.beats("b", 2).assignment, None);
    group.owns("a", 1, &owned("orders", 0..2));
    restart(&mut group);
    assert_eq!(group.beats("b", 2).assignment, Some(owned("orders", 2..4)));
    assert_eq!((group.epoch(), group.state()), (2, "Stable".to_owned()));
}

#[test]
fn after_a_restart_time_begins_anew() {
    let mut group = Fixture::new(&[("orders", 4)]);
    group.joins("a", &["orders"]);
    group.joins("b", &["orders"]);
    group.beats("a", 1);
    group.passes(Duration::from_secs(9));
    restart(&mut group);
    group.passes(Duration::from_secs(9));
    assert_eq!(group.beats("a", 1).epoch, 1);
    group.passes(Duration::from_secs(1));
    assert_eq!(
        group.send(&beat("a", 1)),
        Err(ResponseError::UnknownMemberId)
    );
    group.passes(Duration::from_secs(35));
    assert_eq!(
        group.send(&beat("b", 2)),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_topic_that_grew_in_between_is_seen() {
    let mut group = Fixture::new(&[("orders", 1)]);
    group.joins("a", &["orders"]);
    group.topics.grow("orders", 2);
    restart(&mut group);
    assert_eq!(group.beats("a", 1).assignment, Some(owned("orders", 0..2)));
}

#[test]
fn offsets_are_the_members_own() {
    let mut group = Fixture::new(&[("orders", 2)]);
    let claim = |id: &str, generation: i32| CommitClaim {
        member_id: text(id),
        instance_id: None,
        generation,
        version: 9,
        transactional: false,
    };
    // Nobody is in it: an administrator may.
    assert_eq!(group.group.check_commit(&claim("", -1)), Ok(()));
    group.joins("a", &["orders"]);
    let check = |claim: CommitClaim| group.group.check_commit(&claim);
    assert_eq!(check(claim("a", 1)), Ok(()));
    let stale = Err(ResponseError::StaleMemberEpoch);
    assert_eq!(check(claim("a", 0)), stale);
    assert_eq!(check(claim("a", 2)), stale);
    let unknown = Err(ResponseError::UnknownMemberId);
    assert_eq!(check(claim("b", 1)), unknown);
    assert_eq!(check(claim("", -1)), unknown);
    let old = CommitClaim {
        version: 8,
        ..claim("a", 1)
    };
    assert_eq!(check(old), Err(ResponseError::UnsupportedVersion));
    let in_transaction = |id: &str, generation: i32| CommitClaim {
        version: 0,
        transactional: true,
        ..claim(id, generation)
    };
    assert_eq!(check(in_transaction("", -1)), Ok(()));
    assert_eq!(check(in_transaction("a", 1)), Ok(()));
    let illegal = Err(ResponseError::IllegalGeneration);
    assert_eq!(check(in_transaction("a", 5)), illegal);
    assert_eq!(check(in_transaction("b", 1)), unknown);

    let check = |id: Option<&str>, epoch: i32| group.group.check_fetch(id, epoch);
    assert_eq!(check(None, -1), Ok(()));
    assert_eq!(check(Some("a"), 1), Ok(()));
    assert_eq!(check(Some("a"), 2), stale);
    assert_eq!(check(Some("b"), 1), unknown);
    assert_eq!(check(Some(""), -1), unknown);
}
