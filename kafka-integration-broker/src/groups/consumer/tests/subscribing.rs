use super::fixture::{Fixture, Owned, beat, join, join_matching, owned, text};

#[test]
fn a_topic_that_is_made_later_is_read() {
    let mut group = Fixture::new(&[]);
    let told = group.joins("a", &["orders"]);
    assert_eq!((told.epoch, told.assignment), (1, Some(Owned::new())));
    group.topics.create("other", 1);
    assert_eq!(group.beats("a", 1).epoch, 1);
    group.topics.create("orders", 2);
    let told = group.beats("a", 1);
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("orders", 0..2)))
    );
}

#[test]
fn partitions_that_are_added_are_read() {
    let mut group = Fixture::new(&[("orders", 1)]);
    group.joins("a", &["orders"]);
    group.topics.grow("orders", 3);
    let told = group.beats("a", 1);
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("orders", 0..3)))
    );
}

#[test]
fn a_topic_that_is_deleted_is_given_up() {
    let mut group = Fixture::new(&[("orders", 1), ("invoices", 1)]);
    group.joins("a", &["orders", "invoices"]);
    group.topics.delete("orders");
    let told = group.owns("a", 1, &owned("invoices", [0]));
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("invoices", [0])))
    );
}

#[test]
fn a_topic_made_anew_is_another_one() {
    let mut group = Fixture::new(&[("orders", 1)]);
    group.joins("a", &["orders"]);
    group.topics.delete("orders");
    group.topics.create("orders", 1);
    assert_eq!(group.beats("a", 1).assignment, Some(Owned::new()));
    assert_eq!(group.owns("a", 1, &owned("orders", [0])).epoch, 1);
    let told = group.owns("a", 1, &Owned::new());
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("orders'", [0])))
    );
}

#[test]
fn an_expression_is_a_subscription_to_what_matches() {
    let mut group = Fixture::new(&[("orders.eu", 1), ("old.orders.eu", 1)]);
    let told = group.send(&join_matching("a", "orders\\..*"));
    let told = told.expect("it may join");
    assert_eq!(told.assignment, Some(owned("orders.eu", [0])));
    assert!(group.group.is_subscribed("orders.eu"));
    assert!(!group.group.is_subscribed("old.orders.eu"));
    group.topics.create("orders.us", 1);
    let told = group.beats("a", 1);
    let both: Owned = &owned("orders.eu", [0]) | &owned("orders.us", [0]);
    assert_eq!((told.epoch, told.assignment), (2, Some(both)));
}

#[test]
fn names_and_an_expression_add_up() {
    let mut group = Fixture::new(&[("orders", 1), ("invoices", 1)]);
    let both = join("a", &["invoices"]).with_subscribed_topic_regex(Some(text("ord.*")));
    let told = group.send(&both).expect("it may join");
    let all: Owned = &owned("orders", [0]) | &owned("invoices", [0]);
    assert_eq!(told.assignment, Some(all));
}

#[test]
fn an_expression_may_change_and_be_withdrawn() {
    let mut group = Fixture::new(&[("orders", 1), ("invoices", 1)]);
    group
        .send(&join_matching("a", "ord.*"))
        .expect("it may join");
    let change = beat("a", 1).with_subscribed_topic_regex(Some(text("inv.*")));
    let told = group.send(&change).expect("it is a member");
    // First it gives up what it had.
    assert_eq!((told.epoch, told.assignment), (1, Some(Owned::new())));
    let told = group.owns("a", 1, &Owned::new());
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("invoices", [0])))
    );
    // Leaving it out is no change; an empty one is none.
    assert_eq!(group.beats("a", 2).epoch, 2);
    let none = beat("a", 2).with_subscribed_topic_regex(Some(text("")));
    assert_eq!(
        group.send(&none).map(|told| told.assignment),
        Ok(Some(Owned::new()))
    );
    assert!(!group.group.is_subscribed("invoices"));
}

#[test]
fn each_member_reads_only_what_it_wants() {
    let mut group = Fixture::new(&[("orders", 2), ("invoices", 2)]);
    group.joins("a", &["orders"]);
    let told = group.joins("b", &["invoices"]);
    assert_eq!(
        (told.epoch, told.assignment),
        (2, Some(owned("invoices", 0..2)))
    );
    let told = group.beats("a", 1);
    assert_eq!((told.epoch, told.assignment), (2, None));
    assert_eq!(group.state(), "Stable");
}

#[test]
fn a_group_is_described_as_it_is() {
    let mut group = Fixture::new(&[("orders", 2)]);
    group.joins("a", &["orders"]);
    group.joins("b", &["orders"]);
    let described = group.group.describe(1, &group.topics);
    assert_eq!(&*described.group_state, "Reconciling");
    assert_eq!((described.group_epoch, described.assignment_epoch), (2, 2));
    let [a, b] = &described.members[..] else {
        panic!("two members, not {:?}", described.members);
    };
    assert_eq!((a.member_epoch, b.member_epoch), (1, 2));
    assert_eq!(a.member_type, 1);
    assert_eq!((&*a.client_id, &*a.client_host), ("tests", "/127.0.0.1"));
    assert_eq!(a.assignment.topic_partitions[0].partitions, [0, 1]);
    assert_eq!(a.target_assignment.topic_partitions[0].partitions, [0]);
    assert_eq!(
        &*a.target_assignment.topic_partitions[0].topic_name.0,
        "orders"
    );
    assert!(b.assignment.topic_partitions.is_empty());
    assert_eq!(b.target_assignment.topic_partitions[0].partitions, [1]);
}
