//! Groups and topics whose names together make the same retry topics.

use kafka_integration::consumer::RegistryError;
use kafka_integration::prelude::*;
use kafka_integration_tests::{Running, TestBroker, create_topic, eventually, unique};

use super::notes::{Notes, Seen, committed, quick, retries, send, text};

fn refused(specs: impl IntoIterator<Item = ConsumerSpec>) -> Vec<RegistryError> {
    let mut registry = Registry::new();
    for spec in specs {
        registry.add(spec);
    }
    registry.validate().err().unwrap_or_default()
}

fn consumer(name: &str, group: &str, topic: &str) -> ConsumerSpec {
    let probe = Notes::default().probe(topic, |_| Ok(()));
    ConsumerSpec::new(name, group).topic(probe)
}

#[test]
fn groups_whose_failed_messages_would_meet_are_refused_naming_both_places() {
    let errors = refused([consumer("A", "a", "b.c"), consumer("B", "a.b", "c")]);
    let [error @ RegistryError::SameRetryTopics { first, second, .. }] = errors.as_slice() else {
        panic!("one collision, not {errors:?}");
    };
    let said = error.to_string();
    for location in [first, second] {
        assert!(location.file.ends_with("collisions.rs"), "{location}");
        assert!(said.contains(&location.to_string()), "{said}");
    }
    for word in ["`A`", "`B`", "`a.b.c.dlt`", "`b.c`", "`a.b`"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn groups_whose_failed_messages_cannot_meet_are_fine() {
    let there = |spec: ConsumerSpec| ConsumerSpec {
        cluster: Some("eu".to_owned()),
        ..spec
    };
    for pair in [
        // Members of one group, two groups of one topic.
        [consumer("A", "a", "b.c"), consumer("B", "a", "b.c")],
        [consumer("A", "a", "c"), consumer("B", "b", "c")],
        // Another cluster has topics and groups of its own.
        [consumer("A", "a", "b.c"), there(consumer("B", "a.b", "c"))],
        [
            consumer("A", "a", "t"),
            there(consumer("B", "a.retry", "t")),
        ],
        // What it matches is not known.
        [consumer("A", "a", "^b\\..*"), consumer("B", "a.b", "c")],
    ] {
        assert_eq!(refused(pair), []);
    }
}

#[test]
fn a_consumer_in_the_group_of_anothers_retry_topics_is_refused() {
    let errors = refused([consumer("A", "a", "t"), consumer("B", "a.retry", "u")]);
    let [
        error @ RegistryError::RetryGroup {
            location, other, ..
        },
    ] = errors.as_slice()
    else {
        panic!("one collision, not {errors:?}");
    };
    let said = error.to_string();
    for word in [
        "`A`",
        "`B`",
        "`a.retry`",
        &location.to_string(),
        &other.to_string(),
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// Two programs don't know of each other: their groups `g` and `g.b` share the
/// retry topic of `b.c` and `c`.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_another_group_moved_is_left_to_it() {
    for broker in TestBroker::each("a_message_that_another_group_moved_is_left_to_it") {
        let kafka = broker.kafka();
        let (group, end) = (unique("g"), unique("c"));
        let groups = [group.clone(), format!("{group}.b")];
        let sources = [format!("b.{end}"), end];
        let retry = retries(&groups[0], &sources[0], 1);
        assert_eq!(retry, retries(&groups[1], &sources[1], 1));
        let notes = [Notes::default(), Notes::default()];
        let once = |seen: &Seen| match seen.attempt {
            1 if seen.text() != "copied" => Err(ConsumeError::new("as asked")),
            _ => Ok(()),
        };
        let mut running = Vec::new();
        for index in [0, 1] {
            create_topic(broker.address(), &sources[index], 1).await;
            let record = text(0, "k", &format!("of {index}"));
            send(&kafka, &sources[index], record).await;
            let consumer = ConsumerSpec::new("Consumer", &groups[index])
                .topic(notes[index].probe(&sources[index], once))
                .retry(quick(3));
            running.push(Running::start(&kafka, [consumer]));
        }
        eventually("each its own", || {
            (0..2).all(|index| notes[index].count(&format!("of {index}")) == 2)
        })
        .await;
        // What nobody moved here has no other owner.
        send(&kafka, &retry, text(0, "k", "copied")).await;
        let done =
            |group: &String| committed(broker.address(), &format!("{group}.retry"), &retry, 0);
        eventually("all committed by both", || {
            groups.iter().all(|group| done(group) == 3)
        })
        .await;
        for running in running {
            running.stop().await;
        }
        for (index, notes) in notes.iter().enumerate() {
            let all: Vec<_> = notes
                .all()
                .iter()
                .map(|seen| seen.text().to_owned())
                .collect();
            let own = format!("of {index}");
            assert_eq!(all, [&own, &own, "copied"]);
        }
    }
}
