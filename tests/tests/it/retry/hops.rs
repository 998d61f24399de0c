//! A message that fails is what it was, however far it moves.

use std::time::Duration;

use kafka_integration::message::Header;
use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;
use kafka_integration::retry::{Original, RetryPolicy, Trail};
use kafka_integration_tests::{Running, TestBroker, unique};

use super::notes::{Notes, dead_letters, logged, retries, send, trail};

/// Headers that are easily lost or changed.
fn headers() -> Headers {
    let mut headers = Headers::new();
    headers.insert("trace", "a");
    headers.push(Header {
        name: "null".into(),
        value: None,
    });
    headers.insert("empty", "");
    headers.insert("trace", "b");
    headers.insert("bytes", vec![0xff, 0x00, 0xfe]);
    // Of somebody else's retries.
    headers.insert("retry.attempt", "9");
    headers
}

fn records() -> [(&'static str, Outgoing); 4] {
    let record = |key: Option<&str>, payload: Option<&[u8]>, headers| Outgoing {
        key: key.map(Into::into),
        payload: payload.map(Into::into),
        headers,
        partition: Some(3),
        // Long before what topics keep by default.
        timestamp: Some(Timestamp::from_millis(1_000_000_000_123)),
    };
    [
        (
            "whole",
            record(Some("ann"), Some(br#" "whole" "#), headers()),
        ),
        ("no key", record(None, Some(br#""no key""#), headers())),
        ("tombstone", record(Some("bob"), None, headers())),
        ("bare", record(None, None, Headers::new())),
    ]
}

/// Through three retry topics to the dead letters.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_keeps_everything_through_all_its_hops() {
    for broker in TestBroker::each("a_message_keeps_everything_through_all_its_hops") {
        for (name, record) in records() {
            let kafka = broker.kafka();
            let topic = unique("hops");
            // So old a record would be deleted at once.
            create_keeping_topic(broker.address(), &topic).await;
            let group = unique("hops");
            send(&kafka, &topic, record.clone()).await;
            let notes = Notes::default();
            let probe = notes.probe(&topic, |seen| {
                Err(ConsumeError::new(format!("no {}", seen.attempt)))
            });
            let policy = RetryPolicy {
                delay: Duration::from_millis(40),
                jitter: 0.0,
                ..RetryPolicy::times(3)
            };
            let consumer = ConsumerSpec::new("Hops", &group).topic(probe).retry(policy);
            let running = Running::start(&kafka, [consumer]);
            let letters = dead_letters(&group, &topic);
            let mut hops = logged(broker.address(), &letters, 1).await;
            running.stop().await;
            for level in 1..=3 {
                let retries = retries(&group, &topic, level);
                hops.extend(logged(broker.address(), &retries, 1).await);
            }
            hops.rotate_left(1);

            let original = Original {
                topic: topic.clone(),
                partition: 3,
                offset: 0,
                timestamp: record.timestamp,
            };
            let first = trail(&hops[0]);
            let mut earlier = first.first_failure;
            for (hop, attempts) in hops.iter().zip(1..) {
                assert_eq!(hop.key, record.key, "{name}");
                assert_eq!(hop.payload, record.payload, "{name}");
                assert_eq!(Trail::strip(&hop.headers), record.headers, "{name}");
                assert_eq!(hop.timestamp, record.timestamp.map(Timestamp::as_millis));
                assert_eq!(hop.partition, 3);
                let trail = trail(hop);
                assert_eq!(trail.original, original, "{name}");
                assert_eq!(trail.group, group);
                assert_eq!(trail.attempts, attempts);
                assert_eq!(trail.first_failure, first.first_failure, "{name}");
                assert!(trail.last_failure >= earlier);
                earlier = trail.last_failure;
                assert_eq!(trail.error.class, "text");
                let text = format!("no {attempts}");
                assert!(trail.error.text.contains(&text), "{:?}", trail.error);
                let delay = trail.due.map(|due| due.as_millis() - earlier.as_millis());
                let (reason, expected) = match attempts {
                    4 => ("exhausted", None),
                    _ => ("retry", Some(40 << (attempts - 1))),
                };
                assert_eq!((&*trail.reason, delay), (reason, expected), "{name}");
            }

            // And the hook sees the same each time, but for where it is.
            let seen = notes.all();
            assert_eq!(seen.len(), 4, "{name}");
            for (seen, attempt) in seen.iter().zip(1..) {
                assert_eq!(
                    seen.key.as_deref().map(str::as_bytes),
                    record.key.as_deref()
                );
                assert_eq!(seen.text.is_some(), record.payload.is_some());
                assert_eq!(seen.headers, record.headers, "{name}");
                assert_eq!(seen.timestamp, record.timestamp);
                assert_eq!(seen.attempt, attempt);
                assert_eq!(seen.original, original, "{name}");
                let failure = (attempt > 1).then_some(first.first_failure);
                assert_eq!(seen.first_failure, failure, "{name}");
            }
        }
    }
}

/// Of four partitions, and nothing in it is ever too old.
async fn create_keeping_topic(address: &str, name: &str) {
    super::notes::create_topic(address, name, 4, &[("retention.ms", "-1")]).await;
}
