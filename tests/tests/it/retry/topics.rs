//! Which retry topics there are, and what becomes of messages when they are
//! not as the framework would make them.

use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration_tests::{PARTITIONS, Running, TestBroker, create_topic, eventually, unique};

use super::notes::{
    Notes, Seen, committed, dead_letters, logged, quick, retries, send, text, topics, trail,
};

/// The members match a pattern, or the broker does.
const PROTOCOLS: [(&str, &str); 2] = [
    ("group.protocol", "classic"),
    ("group.protocol", "consumer"),
];

/// Every message fails once.
fn once(seen: &Seen) -> Result<(), ConsumeError> {
    match seen.attempt {
        1 => Err(ConsumeError::new("as asked")),
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_topic_of_a_pattern_has_its_own() {
    for broker in TestBroker::each("each_topic_of_a_pattern_has_its_own") {
        for (property, protocol) in PROTOCOLS {
            let kafka = broker.kafka();
            let family = unique("family").replace('-', "_");
            let names = ["a", "b.c"].map(|name| format!("{family}.{name}"));
            for name in &names {
                create_topic(broker.address(), name, 2).await;
                send(&kafka, name, text(1, "k", "flaky")).await;
            }
            let group = unique("family");
            let notes = Notes::default();
            let pattern = format!("^{family}\\..*");
            let consumer = ConsumerSpec::new("Family", &group)
                .topic(notes.probe(&pattern, once))
                .config(property, protocol)
                .retry(quick(3));
            let running = Running::start(&kafka, [consumer]);
            eventually("both again", || notes.count("flaky") == 4).await;
            running.stop().await;
            for name in &names {
                let own = retries(&group, name, 1);
                let all = notes.all();
                let again = all.iter().find(|seen| seen.topic == own);
                let again = again.unwrap_or_else(|| panic!("nothing in {own}"));
                assert_eq!((again.attempt, &again.original.topic), (2, name));
            }
        }
    }
}

/// A pattern may match the retry topics and dead letters of its own group too.
/// They are not consumed as if they were topics of the application.
#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_does_not_take_the_groups_own() {
    for broker in TestBroker::each("a_pattern_does_not_take_the_groups_own") {
        for (property, protocol) in PROTOCOLS {
            let kafka = broker.kafka();
            let family = unique("all").replace('-', "_");
            let topic = format!("{family}.a");
            create_topic(broker.address(), &topic, 2).await;
            let group = unique("all");
            let notes = Notes::default();
            let pattern = format!("^.*{family}.*");
            let spec = || {
                let probe = notes.probe(&pattern, |seen| match seen.text() {
                    "dead" => Err(ConsumeError::new("never").terminal()),
                    _ => once(seen),
                });
                ConsumerSpec::new("All", &group)
                    .topic(probe)
                    .retry(quick(3))
                    .config(property, protocol)
                    .config("topic.metadata.refresh.interval.ms", "500")
            };
            send(&kafka, &topic, text(0, "k", "dead")).await;
            send(&kafka, &topic, text(1, "k", "flaky")).await;
            let running = Running::start(&kafka, [spec()]);
            eventually("the retry", || notes.count("flaky") == 2).await;
            logged(broker.address(), &dead_letters(&group, &topic), 1).await;
            running.stop().await;
            // One that starts when they are all there.
            send(&kafka, &topic, text(1, "k", "last")).await;
            let running = Running::start(&kafka, [spec()]);
            eventually("the last", || notes.count("last") == 2).await;
            running.stop().await;
            assert_eq!(notes.attempts("flaky"), [1, 2]);
            assert_eq!(notes.attempts("dead"), [1]);
            let ours = |name: &String| name.contains(&family);
            let there: Vec<String> = topics(broker.address()).into_iter().filter(ours).collect();
            let deeper = format!("{group}.{group}.");
            let deeper: Vec<&String> = there.iter().filter(|t| t.starts_with(&deeper)).collect();
            assert!(deeper.is_empty(), "{deeper:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_topic_may_have_fewer_partitions() {
    for broker in TestBroker::each("a_retry_topic_may_have_fewer_partitions") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("fewer").await, unique("fewer"));
        create_topic(broker.address(), &retries(&group, &topic, 1), 1).await;
        for partition in 0..PARTITIONS {
            let record = text(partition, "k", &format!("flaky {partition}"));
            send(&kafka, &topic, record).await;
        }
        let notes = Notes::default();
        let consumer = ConsumerSpec::new("Fewer", &group)
            .topic(notes.probe(&topic, once))
            .retry(quick(3));
        let running = Running::start(&kafka, [consumer]);
        let twice = 2 * PARTITIONS as usize;
        eventually("each of them again", || notes.count("flaky") == twice).await;
        running.stop().await;
        for seen in notes.all() {
            let first = format!("flaky {}", seen.original.partition);
            assert_eq!(seen.text(), first);
            assert_eq!(
                seen.partition == seen.original.partition,
                seen.attempt == 1 || first == "flaky 0"
            );
        }
    }
}

/// A policy that uses no retry topics any more, or fewer.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_policy_left_is_consumed() {
    for broker in TestBroker::each("what_an_earlier_policy_left_is_consumed") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("left").await, unique("left"));
        let notes = Notes::default();
        let spec = |policy: RetryPolicy, fails: bool| {
            let probe = notes.probe(&topic, move |_| match fails {
                true => Err(ConsumeError::new("as asked")),
                false => Ok(()),
            });
            let consumer = ConsumerSpec::new("Left", &group).topic(probe);
            consumer.retry(policy)
        };
        let waits = RetryPolicy {
            delay: Duration::from_secs(3),
            jitter: 0.0,
            ..RetryPolicy::times(3)
        };
        let running = Running::start(&kafka, [spec(waits, true)]);
        send(&kafka, &topic, text(0, "k", "left")).await;
        let first = retries(&group, &topic, 1);
        logged(broker.address(), &first, 1).await;
        running.stop().await;
        let running = Running::start(&kafka, [spec(RetryPolicy::default(), false)]);
        eventually("what was left", || notes.attempts("left") == [1, 2]).await;
        assert_eq!(notes.all()[1].topic, first);
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_groups_of_a_topic_retry_apart() {
    for broker in TestBroker::each("two_groups_of_a_topic_retry_apart") {
        let kafka = broker.kafka();
        let topic = broker.topic("shared").await;
        send(&kafka, &topic, text(2, "k", "flaky")).await;
        let groups = [unique("one"), unique("two")];
        let notes = [Notes::default(), Notes::default()];
        let never = |_: &Seen| Err(ConsumeError::new("never"));
        let consumers = [
            ConsumerSpec::new("One", &groups[0])
                .topic(notes[0].probe(&topic, once))
                .retry(quick(1)),
            ConsumerSpec::new("Two", &groups[1])
                .topic(notes[1].probe(&topic, never))
                .retry(quick(1)),
        ];
        let running = Running::start(&kafka, consumers);
        eventually("two attempts of each", || {
            notes.iter().all(|notes| notes.count("flaky") == 2)
        })
        .await;
        let letters = dead_letters(&groups[1], &topic);
        let letters = logged(broker.address(), &letters, 1).await;
        running.stop().await;
        assert_eq!(trail(&letters[0]).group, groups[1]);
        for (group, notes) in groups.iter().zip(&notes) {
            assert_eq!(notes.attempts("flaky"), [1, 2]);
            let own = retries(group, &topic, 1);
            assert_eq!(notes.all()[1].topic, own);
            logged(broker.address(), &own, 1).await;
        }
    }
}

/// It says which topic is missing, and goes on once that is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_that_may_not_be_made_stops_the_lane() {
    for broker in TestBroker::each("a_missing_topic_that_may_not_be_made_stops_the_lane") {
        let mut settings = broker.settings();
        settings.cluster.create_retry_topics = false;
        let kafka = Kafka::builder().settings(settings).build();
        let kafka = kafka.expect("the settings are good");
        let (topic, group) = (broker.topic("missing").await, unique("missing"));
        send(&kafka, &topic, text(0, "k", "flaky")).await;
        let notes = Notes::default();
        let consumer = ConsumerSpec::new("Missing", &group)
            .topic(notes.probe(&topic, once))
            .config("topic.metadata.refresh.interval.ms", "1000")
            .retry(quick(3));
        let running = Running::start(&kafka, [consumer]);
        let target = retries(&group, &topic, 1);
        eventually("the message that can't move", || {
            !running.status.consumers()[0].stopped.is_empty()
        })
        .await;
        let stopped = running.status.consumers()[0].stopped[0].clone();
        assert_eq!((&stopped.topic, stopped.offset), (&topic, 0));
        assert_eq!(stopped.target, target);
        assert!(stopped.reason.contains(&target), "{}", stopped.reason);
        assert!(!topics(broker.address()).contains(&target));
        assert_eq!(committed(broker.address(), &group, &topic, 0), 0);

        create_topic(broker.address(), &target, PARTITIONS).await;
        eventually("the message again", || notes.attempts("flaky") == [1, 2]).await;
        eventually("no lane standing", || {
            running.status.consumers()[0].stopped.is_empty()
        })
        .await;
        running.stop().await;
        assert_eq!(committed(broker.address(), &group, &topic, 0), 1);
    }
}
