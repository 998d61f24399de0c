use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Assignor, Candidate, Partitions, Sizes};

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);

fn sizes(sizes: &[(Uuid, i32)]) -> Sizes {
    sizes.iter().copied().collect()
}

fn member<'a>(id: &'a str, topics: &[Uuid], had: Option<&'a Partitions>) -> Candidate<'a> {
    Candidate {
        id,
        instance_id: None,
        topics: topics.iter().copied().collect::<BTreeSet<_>>(),
        had,
    }
}

fn of(topic: Uuid, indexes: impl IntoIterator<Item = i32>) -> Partitions {
    indexes.into_iter().map(|index| (topic, index)).collect()
}

fn counts(targets: &[Partitions]) -> Vec<usize> {
    targets.iter().map(Partitions::len).collect()
}

#[test]
fn names_are_those_of_apache_kafka() {
    for assignor in Assignor::ALL {
        assert_eq!(Assignor::by_name(assignor.name()), Some(assignor));
    }
    assert_eq!(Assignor::DEFAULT.name(), "uniform");
    assert_eq!(Assignor::by_name("sticky"), None);
}

#[test]
fn nobody_gets_nothing() {
    for assignor in Assignor::ALL {
        assert!(assignor.assign(&[], &sizes(&[(A, 3)])).is_empty());
        let idle = assignor.assign(&[member("m", &[], None)], &sizes(&[(A, 3)]));
        assert_eq!(idle, [Partitions::default()]);
    }
}

#[test]
fn range_cuts_each_topic_at_the_same_places() {
    let members = [member("m1", &[A, B], None), member("m2", &[A, B], None)];
    let targets = Assignor::Range.assign(&members, &sizes(&[(A, 3), (B, 3)]));
    let both = |indexes: std::ops::Range<i32>| {
        let mut all = of(A, indexes.clone());
        all.extend(of(B, indexes).iter());
        all
    };
    assert_eq!(targets, [both(0..2), both(2..3)]);
}

#[test]
fn range_puts_static_members_first() {
    let mut members = [
        member("m1", &[A], None),
        member("m2", &[A], None),
        member("m3", &[A], None),
    ];
    members[1].instance_id = Some("z");
    members[2].instance_id = Some("y");
    let targets = Assignor::Range.assign(&members, &sizes(&[(A, 4)]));
    assert_eq!(targets, [of(A, [3]), of(A, [2]), of(A, 0..2)]);
}

#[test]
fn range_gives_a_topic_only_to_those_who_want_it() {
    let members = [member("m1", &[A], None), member("m2", &[A, B], None)];
    let targets = Assignor::Range.assign(&members, &sizes(&[(A, 2), (B, 2)]));
    assert_eq!(counts(&targets), [1, 3]);
}

#[test]
fn uniform_counts_over_all_topics() {
    let members = [member("m1", &[A, B], None), member("m2", &[A, B], None)];
    let targets = Assignor::Uniform.assign(&members, &sizes(&[(A, 3), (B, 3)]));
    assert_eq!(counts(&targets), [3, 3]);
}

#[test]
fn uniform_moves_no_more_than_it_must() {
    let had = of(A, 0..6);
    let members = [member("m1", &[A], Some(&had)), member("m2", &[A], None)];
    let targets = Assignor::Uniform.assign(&members, &sizes(&[(A, 6)]));
    assert_eq!(targets, [of(A, 0..3), of(A, 3..6)]);
    let members = [
        member("m1", &[A], Some(&targets[0])),
        member("m2", &[A], Some(&targets[1])),
        member("m3", &[A], None),
    ];
    let targets = Assignor::Uniform.assign(&members, &sizes(&[(A, 6)]));
    assert_eq!(targets, [of(A, 0..2), of(A, 3..5), of(A, [2, 5])]);
    // One leaves: the others keep what they have.
    let members = [
        member("m1", &[A], Some(&targets[0])),
        member("m3", &[A], Some(&targets[2])),
    ];
    let after = Assignor::Uniform.assign(&members, &sizes(&[(A, 6)]));
    assert!(targets[0].is_subset_of(&after[0]) && targets[2].is_subset_of(&after[1]));
    assert_eq!(counts(&after), [3, 3]);
}

#[test]
fn uniform_forgets_what_is_gone_or_unwanted() {
    let mut had = of(A, 0..3);
    had.extend(of(B, 0..2).iter());
    let members = [member("m1", &[A], Some(&had))];
    let targets = Assignor::Uniform.assign(&members, &sizes(&[(A, 2), (B, 2)]));
    assert_eq!(targets, [of(A, 0..2)]);
}

#[test]
fn uniform_gives_less_of_the_common_topic_to_who_has_one_of_its_own() {
    let members = [
        member("m1", &[A, B], None),
        member("m2", &[A], None),
        member("m3", &[A], None),
    ];
    let targets = Assignor::Uniform.assign(&members, &sizes(&[(A, 5), (B, 4)]));
    assert_eq!(targets[0], of(B, 0..4));
    assert_eq!(targets[1].len() + targets[2].len(), 5);
    assert!(targets[1].len().abs_diff(targets[2].len()) <= 1);
}

#[test]
fn every_partition_is_given_once() {
    let had = of(A, 0..50);
    let names: Vec<String> = (0..7).map(|n| format!("m{n}")).collect();
    let members: Vec<Candidate<'_>> = names
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let topics: &[Uuid] = [&[A, B][..], &[A], &[B]][n % 3];
            // All say that they had everything: the first one is believed.
            member(id, topics, Some(&had))
        })
        .collect();
    let sizes = sizes(&[(A, 50), (B, 31)]);
    for assignor in Assignor::ALL {
        let targets = assignor.assign(&members, &sizes);
        let all: Partitions = targets.iter().flat_map(Partitions::iter).collect();
        assert_eq!(counts(&targets).iter().sum::<usize>(), 81);
        assert_eq!(all.len(), 81);
        for (member, target) in members.iter().zip(&targets) {
            assert!(
                target
                    .iter()
                    .all(|(topic, _)| member.topics.contains(&topic))
            );
        }
        if assignor == Assignor::Uniform {
            let counts = counts(&targets);
            assert!(
                counts
                    .iter()
                    .max()
                    .zip(counts.iter().min())
                    .is_some_and(|(most, least)| most - least <= 1),
                "{counts:?}"
            );
        }
    }
}
