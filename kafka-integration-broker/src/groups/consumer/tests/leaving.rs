use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, LeaveGroupRequest};

use super::fixture::{Fixture, beat, join, owned, text};

fn of_instance(request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatRequest {
    request.with_instance_id(Some(text("i")))
}

/// `a` is the instance `i` and has two partitions, `b` has the others.
fn with_static_member() -> Fixture {
    let mut group = Fixture::new(&[("orders", 4)]);
    let told = group.send(&of_instance(join("a", &["orders"])));
    assert_eq!(told.map(|told| told.epoch), Ok(1));
    group.joins("b", &["orders"]);
    group.owns("a", 1, &owned("orders", 0..2));
    group.beats("b", 2);
    group
}

#[test]
fn a_static_member_that_will_be_back_keeps_what_it_had() {
    let mut group = with_static_member();
    let told = group
        .send(&of_instance(beat("a", -2)))
        .expect("it may leave");
    assert_eq!((told.epoch, told.assignment), (-2, None));
    // Nobody gets its partitions.
    assert_eq!(group.beats("b", 2).assignment, None);
    // Its next process has another id, and gets them at once.
    let told = group.send(&of_instance(join("c", &["orders"])));
    let told = told.expect("its place is free");
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("orders", 0..2)))
    );
    assert_eq!(group.epoch(), 2);
    // Whatever is left of the old process is told so.
    let fenced = Err(ResponseError::FencedInstanceId);
    assert_eq!(group.send(&of_instance(beat("a", 2))), fenced);
    assert_eq!(
        group.send(&beat("a", 2)),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_static_member_that_does_not_come_back_is_removed() {
    let mut group = with_static_member();
    group
        .send(&of_instance(beat("a", -2)))
        .expect("it may leave");
    group.passes(Duration::from_secs(44));
    assert_eq!(group.beats("b", 2).assignment, None);
    group.passes(Duration::from_secs(1));
    let told = group.beats("b", 2);
    assert_eq!(told.assignment, Some(owned("orders", 0..4)));
}

#[test]
fn while_it_is_away_a_member_may_not_speak() {
    let mut group = with_static_member();
    group
        .send(&of_instance(beat("a", -2)))
        .expect("it may leave");
    let fenced = Err(ResponseError::FencedMemberEpoch);
    assert_eq!(group.send(&of_instance(beat("a", 2))), fenced);
}

#[test]
fn an_instance_in_use_is_not_to_be_had() {
    let mut group = with_static_member();
    let taken = Err(ResponseError::UnreleasedInstanceId);
    assert_eq!(group.send(&of_instance(join("c", &["orders"]))), taken);
    assert_eq!(group.send(&of_instance(join("a", &["orders"]))), taken);
    let fenced = Err(ResponseError::FencedInstanceId);
    for epoch in [2, -1, -2] {
        assert_eq!(group.send(&of_instance(beat("c", epoch))), fenced);
    }
    let other = beat("a", 2).with_instance_id(Some(text("j")));
    assert_eq!(group.send(&other), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_static_member_that_leaves_in_the_middle_of_giving_up_has_given_up() {
    let mut group = with_static_member();
    group.beats("b", 2);
    group.joins("c", &["orders"]);
    // `a` or `b` must give one up; with four for three it is not both.
    for (id, first) in [("a", 0), ("b", 2)] {
        group.owns(id, 2, &owned("orders", first..first + 2));
    }
    let member = group.group.members.get("a").expect("it is a member");
    let giving_up = !member.revoking.is_empty();
    group
        .send(&of_instance(beat("a", -2)))
        .expect("it may leave");
    let told = group.beats("c", 3);
    assert_eq!(told.assignment.is_some(), giving_up);
    // And its time to do so is over, not its session.
    group.passes(Duration::from_secs(20));
    assert!(group.group.members.contains_key("a"));
    let told = group.send(&of_instance(join("d", &["orders"])));
    assert_eq!(told.map(|told| told.epoch), Ok(3));
}

#[test]
fn a_static_member_may_leave_for_good() {
    let mut group = with_static_member();
    let told = group
        .send(&of_instance(beat("a", -1)))
        .expect("it may leave");
    assert_eq!((told.id.as_str(), told.epoch), ("a", -1));
    let told = group.beats("b", 2);
    assert_eq!(told.assignment, Some(owned("orders", 0..4)));
}

#[test]
fn an_administrator_may_remove_members() {
    let mut group = with_static_member();
    let named = |id: &str, instance: Option<&str>| {
        MemberIdentity::default()
            .with_member_id(text(id))
            .with_group_instance_id(instance.map(text))
    };
    let request = LeaveGroupRequest::default().with_members(vec![
        named("", Some("i")),
        named("x", None),
        named("a", Some("j")),
        named("b", None),
    ]);
    let members = group.group.expel(&request).members;
    let codes: Vec<i16> = members.iter().map(|member| member.error_code).collect();
    assert_eq!(codes, [0, 25, 25, 0]);
    assert_eq!(group.state(), "Empty");
    assert_eq!(group.epoch(), 3);
}
