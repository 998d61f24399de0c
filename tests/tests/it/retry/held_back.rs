//! Who waits behind a failed message, and who does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration_tests::{Running, TestBroker, eventually, unique};

use super::notes::{Notes, committed, send, text};

const KEYS: u64 = 10;
const PER_KEY: u64 = 20;

/// An hour: whoever waits for the failed message is never seen here.
fn hour(policy: RetryPolicy) -> RetryPolicy {
    RetryPolicy {
        delay: Duration::from_secs(3_600),
        max_delay: Duration::from_secs(3_600),
        jitter: 0.0,
        ..policy
    }
}

/// One partition, ten keys in turn; the first message of the first key fails.
/// Every message is handled but those for which `waits` says that they wait.
async fn only_these_wait(
    test: &str,
    ordering: Ordering,
    policy: RetryPolicy,
    waits: fn(key: u64, sequence: u64) -> bool,
) {
    for broker in TestBroker::each(test) {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("held").await, unique("held"));
        let name = |key: u64, sequence: u64| format!("{key}-{sequence}");
        let all = || (0..PER_KEY).flat_map(|sequence| (0..KEYS).map(move |key| (key, sequence)));
        for (key, sequence) in all() {
            let record = text(0, &format!("key-{key}"), &name(key, sequence));
            send(&kafka, &topic, record).await;
        }
        let failing = name(0, 0);
        let expected: BTreeSet<String> = all()
            .filter(|(key, sequence)| !waits(*key, *sequence))
            .map(|(key, sequence)| name(key, sequence))
            .collect();
        let notes = Notes::default();
        let probe = notes.probe(&topic, move |seen| match seen.text() == failing {
            true => Err(ConsumeError::new("as asked")),
            false => Ok(()),
        });
        let consumer = ConsumerSpec::new("Held", &group)
            .topic(probe)
            .ordering(ordering)
            .retry(policy.clone());
        let running = Running::start(&kafka, [consumer]);
        let handled = || {
            let all = notes.all();
            let handled = all.iter().filter(|seen| seen.text() != name(0, 0));
            handled
                .map(|seen| seen.text().to_owned())
                .collect::<BTreeSet<_>>()
        };
        eventually("everything that does not wait", || handled() == expected).await;
        running.stop().await;
        assert_eq!(handled(), expected, "and nothing that does");
        assert_eq!(notes.attempts(&name(0, 0)), [1]);
        let done = committed(broker.address(), &group, &topic, 0);
        let end = match waits(0, 1) {
            true => 0,
            // The failed message has moved away.
            false => (KEYS * PER_KEY) as i64,
        };
        assert_eq!(done, end, "what is committed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_moved_message_nobody_waits() {
    let policy = hour(RetryPolicy::times(3));
    let nobody = |key, sequence| key == 0 && sequence == 0;
    let test = "behind_a_moved_message_nobody_waits";
    only_these_wait(test, Ordering::Partition, policy, nobody).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_preserve_order_only_the_key_waits() {
    let policy = RetryPolicy {
        preserve_order: true,
        ..hour(RetryPolicy::times(3))
    };
    let test = "with_preserve_order_only_the_key_waits";
    // The policy has the consumer work by key, whatever it says itself.
    only_these_wait(test, Ordering::Partition, policy, |key, _| key == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_key_only_the_key_waits_for_a_blocking_retry() {
    let policy = hour(RetryPolicy::default());
    let test = "by_key_only_the_key_waits_for_a_blocking_retry";
    only_these_wait(test, Ordering::Key, policy, |key, _| key == 0).await;
}

/// As many as wait are remembered, not just a few of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_keys_wait_on_over_a_restart() {
    const WAITING: usize = 100;
    const DELAY: Duration = Duration::from_secs(4);
    for broker in TestBroker::each("a_hundred_keys_wait_on_over_a_restart") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("waiting").await, unique("waiting"));
        // Every other key fails.
        for number in 0..2 * WAITING {
            let fate = if number % 2 == 0 { "fails" } else { "passes" };
            let record = text(0, &format!("key-{number}"), &format!("{fate}-{number}"));
            send(&kafka, &topic, record).await;
        }
        let calls: Arc<Mutex<BTreeMap<String, Vec<Instant>>>> = Arc::default();
        let run = |notes: &Notes| {
            let calls = Arc::clone(&calls);
            let probe = notes.probe(&topic, move |seen| {
                let mut calls = calls.lock().expect("not poisoned");
                let ours = calls.entry(seen.text().to_owned()).or_default();
                ours.push(Instant::now());
                match seen.text().starts_with("fails") && seen.attempt == 1 {
                    true => Err(ConsumeError::new("as asked")),
                    false => Ok(()),
                }
            });
            let policy = RetryPolicy {
                preserve_order: true,
                delay: DELAY,
                max_delay: DELAY,
                jitter: 0.0,
                ..RetryPolicy::times(3)
            };
            let consumer = ConsumerSpec::new("Waiting", &group)
                .topic(probe)
                .concurrency(16)
                .retry(policy);
            Running::start(&kafka, [consumer])
        };
        let notes = Notes::default();
        let running = run(&notes);
        eventually("every message once", || notes.all().len() == 2 * WAITING).await;
        running.stop().await;

        let notes = Notes::default();
        let running = run(&notes);
        eventually("every second attempt", || notes.all().len() >= WAITING).await;
        running.stop().await;
        let attempts = notes.all();
        let attempts: BTreeSet<_> = attempts.iter().map(|s| (s.text(), s.attempt)).collect();
        assert!(
            attempts.iter().all(|(_, attempt)| *attempt == 2),
            "{attempts:?}"
        );
        assert_eq!(attempts.len(), WAITING);
        for (text, calls) in calls.lock().expect("not poisoned").iter() {
            // The clock of the record counts milliseconds.
            let waited = |two: &[Instant]| two[1] - two[0] + Duration::from_millis(5) >= DELAY;
            assert!(calls.windows(2).all(waited), "{text} was early: {calls:?}");
        }
        let end = 2 * WAITING as i64;
        assert_eq!(committed(broker.address(), &group, &topic, 0), end);
    }
}
