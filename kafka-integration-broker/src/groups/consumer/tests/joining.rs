use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use super::fixture::{Fixture, Owned, beat, join, join_matching, owned, text};

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut group = Fixture::new(&[("orders", 3)]);
    let told = group.joins("a", &["orders"]);
    assert_eq!((told.id.as_str(), told.epoch), ("a", 1));
    assert_eq!(told.assignment, Some(owned("orders", 0..3)));
    assert_eq!(group.state(), "Stable");
    // Nothing is said twice.
    assert_eq!(group.beats("a", 1).assignment, None);
}

#[test]
fn an_answer_tells_the_interval() {
    let mut group = Fixture::new(&[]);
    let response = group.respond(&join("a", &[])).expect("it may join");
    assert_eq!(response.heartbeat_interval_ms, 5000);
}

#[test]
fn what_a_first_heartbeat_must_say() {
    let mut group = Fixture::new(&[("orders", 1)]);
    let good = join("a", &["orders"]);
    for bad in [
        good.clone().with_rebalance_timeout_ms(-1),
        good.clone().with_topic_partitions(None),
        group.owning(good.clone(), &owned("orders", [0])),
        good.clone().with_subscribed_topic_names(None),
        good.clone().with_member_id(text(" ")),
        good.clone().with_group_id(Default::default()),
        good.clone().with_instance_id(Some(StrBytes::default())),
        good.clone().with_rack_id(Some(StrBytes::default())),
        good.clone().with_member_epoch(-2),
        good.clone().with_member_epoch(-3),
    ] {
        assert_eq!(
            group.send(&bad),
            Err(ResponseError::InvalidRequest),
            "{bad:?}"
        );
    }
    let sticky = good.clone().with_server_assignor(Some(text("sticky")));
    assert_eq!(group.send(&sticky), Err(ResponseError::UnsupportedAssignor));
    // An empty list of names reads nothing, which is allowed.
    let told = group.joins("a", &[]);
    assert_eq!(told.assignment, Some(Owned::new()));
}

#[test]
fn version_0_leaves_the_choice_of_an_id_to_the_broker() {
    let mut group = Fixture::new(&[]);
    let request = join("", &[]);
    assert!(super::super::validate(&request, 1).is_err());
    super::super::validate(&request, 0).expect("valid in version 0");
    let mut names = Vec::new();
    for _ in 0..2 {
        let response = group.group.heartbeat(
            &super::fixture::client(),
            &request,
            &group.topics,
            group.now,
        );
        let response = response.expect("it may join");
        names.push(response.member_id.expect("it got an id"));
    }
    assert!(!names[0].is_empty() && names[0] != names[1]);
}

#[test]
fn strangers_and_wrong_epochs_are_turned_away() {
    let mut group = Fixture::new(&[("orders", 2)]);
    group.joins("a", &["orders"]);
    let unknown = Err(ResponseError::UnknownMemberId);
    assert_eq!(group.send(&beat("b", 1)), unknown);
    assert_eq!(group.send(&beat("b", -1)), unknown);
    let fenced = Err(ResponseError::FencedMemberEpoch);
    assert_eq!(group.send(&beat("a", 2)), fenced);
    group.joins("b", &["orders"]);
    group.owns("a", 1, &owned("orders", [0]));
    assert_eq!(group.beats("a", 2).epoch, 2);
    // One epoch back, and not a word of what it holds.
    assert_eq!(group.send(&beat("a", 1)), fenced);
    // One epoch back, and it holds what is no longer its own.
    let both = group.owning(beat("a", 1), &owned("orders", 0..2));
    assert_eq!(group.send(&both), fenced);
    // Joining anew is two epochs back.
    assert_eq!(group.send(&join("a", &["orders"])), fenced);
}

#[test]
fn a_lost_first_answer_is_given_again() {
    let mut group = Fixture::new(&[("orders", 2)]);
    let told = group.joins("a", &["orders"]);
    assert_eq!(group.joins("a", &["orders"]), told);
    assert_eq!(group.epoch(), 1);
}

#[test]
fn a_refused_heartbeat_changes_nothing() {
    let mut group = Fixture::new(&[("orders", 2)]);
    group.joins("a", &["orders"]);
    group.group.unsaved();
    let before = group.group.stored();
    let refused = group.send(&join_matching("b", "a["));
    assert_eq!(refused, Err(ResponseError::InvalidRegularExpression));
    let change = beat("a", 1).with_subscribed_topic_regex(Some(text("*")));
    let refused = group.send(&change);
    assert_eq!(refused, Err(ResponseError::InvalidRegularExpression));
    assert_eq!(group.group.stored(), before);
    assert_eq!(group.group.unsaved(), None);
}

#[test]
fn only_a_change_must_be_stored() {
    let mut group = Fixture::new(&[("orders", 2)]);
    group.joins("a", &["orders"]);
    assert!(group.group.unsaved().is_some());
    group.owns("a", 1, &owned("orders", 0..2));
    assert_eq!(group.group.unsaved(), None);
}

#[test]
fn the_assignor_most_members_prefer_is_taken() {
    let mut group = Fixture::new(&[("orders", 2)]);
    let preferring =
        |id: &str, assignor: &str| join(id, &["orders"]).with_server_assignor(Some(text(assignor)));
    let assignor = |group: &Fixture| {
        let described = group.group.describe(1, &group.topics);
        described.assignor_name.to_string()
    };
    assert_eq!(assignor(&group), "uniform");
    group.send(&preferring("a", "range")).expect("it may join");
    assert_eq!(assignor(&group), "range");
    group
        .send(&preferring("b", "uniform"))
        .expect("it may join");
    group
        .send(&preferring("c", "uniform"))
        .expect("it may join");
    assert_eq!(assignor(&group), "uniform");
}
