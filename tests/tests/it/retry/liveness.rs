//! A retry that is an hour away costs its lane, and nothing else.

use std::time::{Duration, Instant};

use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration_tests::{PARTITIONS, Running, TestBroker, eventually, unique};

use super::notes::{Notes, committed, send, text};

/// The longest that a member may be away from its poll.
const MAX_POLL: Duration = Duration::from_secs(6);

/// In its lane or in a retry topic: the member is still there after its
/// longest time without a poll, and its end does not wait for the hour.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_an_hour_costs_no_membership() {
    for broker in TestBroker::each("waiting_for_an_hour_costs_no_membership") {
        let kafka = broker.kafka();
        let notes = Notes::default();
        let hour = |policy| RetryPolicy {
            delay: Duration::from_secs(3_600),
            max_delay: Duration::from_secs(3_600),
            ..policy
        };
        let mut topics = Vec::new();
        let mut consumers = Vec::new();
        for policy in [hour(RetryPolicy::default()), hour(RetryPolicy::times(3))] {
            let (topic, group) = (broker.topic("hour").await, unique("hour"));
            let probe = notes.probe(&topic, |seen| match seen.text() {
                "late" => Err(ConsumeError::new("as asked")),
                _ => Ok(()),
            });
            let name = format!("Hour{}", topics.len());
            let consumer = ConsumerSpec::new(name, &group)
                .topic(probe)
                .config("max.poll.interval.ms", MAX_POLL.as_millis().to_string())
                .config("session.timeout.ms", "2000")
                .config("heartbeat.interval.ms", "500")
                .retry(policy);
            consumers.push(consumer);
            topics.push((topic, group));
        }
        for (topic, _) in &topics {
            send(&kafka, topic, text(0, "a", "late")).await;
        }
        let running = Running::start(&kafka, consumers);
        eventually("both failures", || notes.count("late") == 2).await;
        // Nothing is to happen for so long.
        tokio::time::sleep(MAX_POLL + Duration::from_secs(1)).await;
        for status in running.status.consumers() {
            assert_eq!(status.restarts, 0, "{status:?}");
            assert!(status.partitions >= PARTITIONS as usize, "{status:?}");
        }
        for (topic, _) in &topics {
            send(&kafka, topic, text(1, "b", "other")).await;
        }
        eventually("messages of other lanes", || notes.count("other") == 2).await;
        assert_eq!(notes.count("late"), 2, "nothing was delivered again");

        let asked = Instant::now();
        running.stop().await;
        assert!(asked.elapsed() < Duration::from_secs(5), "it waited");
        let (stays, stays_group) = &topics[0];
        assert_eq!(committed(broker.address(), stays_group, stays, 0), 0);
        let (moved, moved_group) = &topics[1];
        assert_eq!(committed(broker.address(), moved_group, moved, 0), 1);
        let retries = super::notes::retries(moved_group, moved, 1);
        let group = format!("{moved_group}.retry");
        assert_eq!(committed(broker.address(), &group, &retries, 0), 0);
    }
}
