use std::time::Duration;

use kafka_protocol::ResponseError;

use super::fixture::{Fixture, Owned, beat, join, owned};

/// `a` has all four partitions and `b` has come.
fn two_members() -> Fixture {
    let mut group = Fixture::new(&[("orders", 4)]);
    group.joins("a", &["orders"]);
    group.owns("a", 1, &owned("orders", 0..4));
    group.joins("b", &["orders"]);
    group
}

#[test]
fn a_partition_goes_over_only_when_its_holder_says_so() {
    let mut group = two_members();
    // The newcomer is in the new epoch, with nothing.
    let told = group.beats("b", 2);
    assert_eq!((told.epoch, told.assignment), (2, None));
    assert_eq!(group.state(), "Reconciling");
    // The holder is told what it keeps, and stays in its epoch.
    let told = group.beats("a", 1);
    assert_eq!(
        (told.epoch, told.assignment),
        (1, Some(owned("orders", 0..2)))
    );
    // Silence gives nothing up, and neither does holding on.
    assert_eq!(group.beats("a", 1).epoch, 1);
    assert_eq!(group.owns("a", 1, &owned("orders", 0..3)).epoch, 1);
    assert_eq!(group.beats("b", 2).assignment, None);
    // Now it says so.
    let told = group.owns("a", 1, &owned("orders", 0..2));
    assert_eq!((told.epoch, told.assignment), (2, None));
    let told = group.beats("b", 2);
    assert_eq!(told.assignment, Some(owned("orders", 2..4)));
    assert_eq!(group.state(), "Stable");
}

#[test]
fn who_gave_up_before_it_was_told_need_not_be_asked() {
    let mut group = two_members();
    let told = group.owns("a", 1, &owned("orders", 0..2));
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("orders", 0..2)))
    );
}

#[test]
fn a_lost_answer_is_made_up_for() {
    let mut group = two_members();
    group.beats("a", 1);
    let acknowledged = group.owning(beat("a", 1), &owned("orders", 0..2));
    assert_eq!(group.send(&acknowledged).map(|told| told.epoch), Ok(2));
    // That answer is lost: the member is an epoch behind.
    assert_eq!(group.send(&acknowledged).map(|told| told.epoch), Ok(2));
    // After an error it sends everything, and is told everything.
    let everything = join("a", &["orders"]).with_member_epoch(1);
    let everything = group.owning(everything, &owned("orders", 0..2));
    let told = group.send(&everything).expect("it is a member");
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("orders", 0..2)))
    );
}

#[test]
fn a_partition_that_comes_back_in_time_is_not_given_up_by_halves() {
    let mut group = two_members();
    group.beats("a", 1);
    // `b` leaves before `a` has given anything up: all is `a`'s again, but it
    // may be in the middle of it.
    group.beats("b", 2);
    group.send(&beat("b", -1)).expect("it may leave");
    assert_eq!(group.beats("a", 1).assignment, None);
    let told = group.owns("a", 1, &owned("orders", 0..2));
    assert_eq!((told.epoch, told.assignment), (3, None));
    let told = group.beats("a", 3);
    assert_eq!(told.assignment, Some(owned("orders", 0..4)));
}

#[test]
fn who_gives_nothing_up_in_time_is_removed() {
    let mut group = two_members();
    group.beats("a", 1);
    group.passes(Duration::from_secs(9));
    // Heartbeats are no excuse.
    group.beats("a", 1);
    group.beats("b", 2);
    group.passes(Duration::from_secs(1));
    assert_eq!(
        group.send(&beat("a", 1)),
        Err(ResponseError::UnknownMemberId)
    );
    let told = group.beats("b", 2);
    assert_eq!(told.assignment, Some(owned("orders", 0..4)));
}

#[test]
fn who_gave_up_in_time_stays() {
    let mut group = two_members();
    group.beats("a", 1);
    group.passes(Duration::from_secs(9));
    group.owns("a", 1, &owned("orders", 0..2));
    group.passes(Duration::from_secs(9));
    assert_eq!(group.beats("a", 2).epoch, 2);
}

#[test]
fn who_is_not_heard_of_is_removed() {
    let mut group = two_members();
    group.owns("a", 1, &owned("orders", 0..2));
    group.passes(Duration::from_secs(44));
    assert_eq!(group.beats("b", 2).assignment, Some(owned("orders", 2..4)));
    group.passes(Duration::from_secs(1));
    assert_eq!(group.state(), "Assigning");
    let told = group.beats("b", 2);
    assert_eq!(
        (told.epoch, told.assignment),
        (3, Some(owned("orders", 0..4)))
    );
    assert_eq!(
        group.send(&beat("a", 2)),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn everything_comes_back_to_the_one_who_is_left() {
    let mut group = two_members();
    group.owns("a", 1, &owned("orders", 0..2));
    group.owns("b", 2, &Owned::new());
    group.owns("b", 2, &owned("orders", 2..4));
    group.send(&beat("b", -1)).expect("it may leave");
    let told = group.beats("a", 2);
    assert_eq!(
        (told.epoch, told.assignment),
        (3, Some(owned("orders", 0..4)))
    );
}

#[test]
fn a_forced_rebalance_moves_nothing_that_is_in_its_place() {
    let mut group = two_members();
    group.owns("a", 1, &owned("orders", 0..2));
    group.beats("b", 2);
    group.group.force_rebalance();
    assert_eq!(group.state(), "Assigning");
    let told = group.beats("a", 2);
    assert_eq!((told.epoch, told.assignment), (3, None));
    let told = group.beats("b", 2);
    assert_eq!((told.epoch, told.assignment), (3, None));
    assert_eq!(group.state(), "Stable");
}
