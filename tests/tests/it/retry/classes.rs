//! Which failures are tried again, how often, and by whose policy.

use std::collections::BTreeMap;
use std::num::ParseIntError;
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::retry::{ErrorClass, RetryPolicy};
use kafka_integration_tests::{Running, TestBroker, eventually, unique};

use super::notes::{
    Notes, Seen, dead_letters, logged, quick, retries, send, text, text_of, topics, trail,
};

/// Fails as the message's text says.
fn as_told(seen: &Seen) -> Result<(), ConsumeError> {
    match seen.text() {
        "number" => {
            "none".parse::<u32>()?;
            Ok(())
        }
        "panic" => panic!("on purpose"),
        "terminal" => Err(ConsumeError::new("never").terminal()),
        "timeout" => Err(ConsumeError::new("late").with_class("shop::Timeout")),
        "text" => Err(ConsumeError::new("no luck")),
        _ => Ok(()),
    }
}

/// By text: the error's class, why the message is dead, after how many attempts.
type Dead = BTreeMap<String, (String, String, u32)>;

/// Consumes these texts with that policy until they are all dead letters.
async fn dead(broker: &TestBroker, policy: RetryPolicy, texts: &[&str]) -> (Dead, Notes) {
    let kafka = broker.kafka();
    let (topic, group) = (broker.topic("classes").await, unique("classes"));
    for (number, it) in texts.iter().enumerate() {
        send(&kafka, &topic, text(number as i32 % 4, it, it)).await;
    }
    let notes = Notes::default();
    let uses_retry_topics = policy.levels() > 0;
    let consumer = ConsumerSpec::new("Classes", &group)
        .topic(notes.probe(&topic, as_told))
        .retry(policy);
    let running = Running::start(&kafka, [consumer]);
    let letters = dead_letters(&group, &topic);
    let letters = logged(broker.address(), &letters, texts.len()).await;
    running.stop().await;
    let there = topics(broker.address()).contains(&retries(&group, &topic, 1));
    assert_eq!(
        there, uses_retry_topics,
        "retry topics as the policy uses them"
    );
    let dead = letters.iter().map(|letter| {
        let trail = trail(letter);
        let why = (trail.error.class, trail.reason, trail.attempts);
        (text_of(letter), why)
    });
    (dead.collect(), notes)
}

fn why(class: &str, reason: &str, attempts: u32) -> (String, String, u32) {
    (class.to_owned(), reason.to_owned(), attempts)
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_classes_are_not_tried_again() {
    for broker in TestBroker::each("excluded_classes_are_not_tried_again") {
        let number = std::any::type_name::<ParseIntError>();
        for blocking in [false, true] {
            let policy = RetryPolicy {
                exclude: vec![
                    ErrorClass::of::<ParseIntError>(),
                    ErrorClass::named("panic"),
                ],
                blocking: Some(blocking),
                ..quick(2)
            };
            let texts = ["number", "panic", "terminal", "timeout", "text"];
            let (dead, notes) = dead(&broker, policy, &texts).await;
            assert_eq!(dead["number"], why(number, "terminal", 1));
            assert_eq!(dead["panic"], why("panic", "terminal", 1));
            assert_eq!(dead["terminal"], why("text", "terminal", 1));
            assert_eq!(dead["timeout"], why("shop::Timeout", "exhausted", 3));
            assert_eq!(dead["text"], why("text", "exhausted", 3));
            assert_eq!(notes.attempts("number"), [1]);
            assert_eq!(notes.attempts("text"), [1, 2, 3]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_included_classes_are_tried_again() {
    for broker in TestBroker::each("only_included_classes_are_tried_again") {
        let policy = RetryPolicy {
            include: vec![ErrorClass::named("Timeout"), ErrorClass::named("panic")],
            ..quick(1)
        };
        let texts = ["number", "panic", "terminal", "timeout", "text"];
        let (dead, _) = dead(&broker, policy, &texts).await;
        assert_eq!(dead["timeout"], why("shop::Timeout", "exhausted", 2));
        assert_eq!(dead["panic"], why("panic", "exhausted", 2));
        for text in ["number", "text"] {
            let (_, reason, attempts) = &dead[text];
            assert_eq!((&**reason, *attempts), ("terminal", 1), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_retries_the_first_failure_is_the_last() {
    for broker in TestBroker::each("without_retries_the_first_failure_is_the_last") {
        let (dead, notes) = dead(&broker, quick(0), &["text", "terminal"]).await;
        assert_eq!(dead["text"], why("text", "exhausted", 1));
        assert_eq!(dead["terminal"], why("text", "terminal", 1));
        assert_eq!(notes.all().len(), 2);
    }
}

/// No policy anywhere: failures are tried again for ever, in their lane, but
/// what never can succeed is a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_only_what_cannot_succeed_is_dead() {
    for broker in TestBroker::each("without_a_policy_only_what_cannot_succeed_is_dead") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("plain").await, unique("plain"));
        let mut garbage = text(0, "a", "");
        garbage.payload = Some(b"\xff{ not json".to_vec());
        send(&kafka, &topic, garbage).await;
        send(&kafka, &topic, text(0, "a", "terminal")).await;
        send(&kafka, &topic, text(0, "a", "flaky")).await;
        send(&kafka, &topic, text(0, "a", "fine")).await;
        let notes = Notes::default();
        let probe = notes.probe(&topic, |seen| match seen.text() {
            "flaky" if seen.attempt <= 2 => Err(ConsumeError::new("not yet")),
            _ => as_told(seen),
        });
        let running = Running::start(&kafka, [ConsumerSpec::new("Plain", &group).topic(probe)]);
        eventually("the last one", || notes.count("fine") == 1).await;
        let letters = dead_letters(&group, &topic);
        let mut letters = logged(broker.address(), &letters, 2).await;
        running.stop().await;
        // Each goes its way by itself.
        letters.sort_by_key(|letter| trail(letter).original.offset);
        assert_eq!(trail(&letters[0]).reason, "undecodable");
        assert_eq!(letters[0].payload.as_deref(), Some(&b"\xff{ not json"[..]));
        assert_eq!(trail(&letters[1]).reason, "terminal");
        let order: Vec<_> = notes
            .all()
            .iter()
            .map(|seen| seen.text().to_owned())
            .collect();
        assert_eq!(order, ["terminal", "flaky", "flaky", "flaky", "fine"]);
        assert!(!topics(broker.address()).contains(&retries(&group, &topic, 1)));
    }
}

/// The error says when to come back; the maximum holds all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_when_to_come_back() {
    const SOON: Duration = Duration::from_millis(120);
    for broker in TestBroker::each("an_error_says_when_to_come_back") {
        for blocking in [false, true] {
            let kafka = broker.kafka();
            let (topic, group) = (broker.topic("soon").await, unique("soon"));
            send(&kafka, &topic, text(0, "a", "busy")).await;
            let notes = Notes::default();
            let probe = notes.probe(&topic, |_| Err(ConsumeError::new("busy").retry_after(SOON)));
            let hour = RetryPolicy {
                delay: Duration::from_secs(3_600),
                max_delay: Duration::from_secs(3_600),
                blocking: Some(blocking),
                ..RetryPolicy::times(2)
            };
            let consumer = ConsumerSpec::new("Soon", &group).topic(probe).retry(hour);
            let running = Running::start(&kafka, [consumer]);
            let letters = dead_letters(&group, &topic);
            let letters = logged(broker.address(), &letters, 1).await;
            let trail = trail(&letters[0]);
            assert_eq!((&*trail.reason, trail.attempts), ("exhausted", 3));
            assert_eq!(notes.attempts("busy"), [1, 2, 3]);
            let took = trail.last_failure.as_millis() - trail.first_failure.as_millis();
            assert!(
                took >= 2 * SOON.as_millis() as i64,
                "{took} ms for two delays"
            );
            running.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_policy_holds_as_a_whole() {
    for broker in TestBroker::each("the_nearest_policy_holds_as_a_whole") {
        let mut settings = broker.settings();
        settings.cluster.retry = quick(0);
        let kafka = Kafka::builder().settings(settings).build();
        let kafka = kafka.expect("the settings are good");
        let (of_settings, of_consumer, of_topic) = (
            broker.topic("near").await,
            broker.topic("nearer").await,
            broker.topic("nearest").await,
        );
        for topic in [&of_settings, &of_consumer, &of_topic] {
            send(&kafka, topic, text(0, "a", "text")).await;
        }
        let notes = Notes::default();
        let group = unique("nearest");
        let other = unique("near");
        let two = ConsumerSpec::new("Two", &group)
            .topic(notes.probe(&of_topic, as_told).with_retry(quick(2)))
            .topic(notes.probe(&of_consumer, as_told))
            .retry(quick(1));
        let one = ConsumerSpec::new("One", &other).topic(notes.probe(&of_settings, as_told));
        let running = Running::start(&kafka, [one, two]);
        for (group, topic, attempts) in [
            (&other, &of_settings, 1),
            (&group, &of_consumer, 2),
            (&group, &of_topic, 3),
        ] {
            let letters = logged(broker.address(), &dead_letters(group, topic), 1).await;
            assert_eq!(trail(&letters[0]).attempts, attempts, "{topic}");
        }
        running.stop().await;
    }
}
