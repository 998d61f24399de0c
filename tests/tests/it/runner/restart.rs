//! What a stop commits, and what comes again after it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration_tests::{Probe, Running, TestBroker, eventually, unique};
use serde_json::json;
use tokio::sync::Semaphore;

type Seen = Arc<Mutex<Vec<i64>>>;

fn collecting(topic: &str, group: &str, seen: &Seen, permits: &Arc<Semaphore>) -> ConsumerSpec {
    let (seen, permits) = (Arc::clone(seen), Arc::clone(permits));
    ConsumerSpec::new("Collecting", group)
        .ordering(Ordering::Key)
        .concurrency(16)
        .topic(Probe::new(topic, move |message, _| {
            let (seen, permits) = (Arc::clone(&seen), Arc::clone(&permits));
            async move {
                permits.acquire().await?.forget();
                tokio::time::sleep(Duration::from_millis(1)).await;
                let number = message.value().value().and_then(|value| value.as_i64());
                seen.lock()
                    .expect("not poisoned")
                    .push(number.unwrap_or(-1));
                Ok(())
            }
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_was_started_and_a_start_goes_on_behind_it() {
    const MESSAGES: i64 = 400;
    for broker in TestBroker::each("a_stop_finishes_what_was_started") {
        let kafka = broker.kafka();
        let topic = broker.topic("stop").await;
        let records = (0..MESSAGES).map(|number| {
            let value = OrTombstone::Value(json!(number));
            let record = kafka_integration::producer::Record::<Probe>::new(value);
            record.key(format!("k{}", number % 50))
        });
        Probe::produce_only(&topic)
            .produce_batch(records)
            .on(&kafka)
            .await
            .expect("acknowledged");
        let group = unique("stop");
        let seen = Seen::default();
        // Half may be handled; the rest is taken and waits when the stop comes.
        let permits = Arc::new(Semaphore::new(MESSAGES as usize / 2));
        let first = Running::start(&kafka, [collecting(&topic, &group, &seen, &permits)]);
        eventually("half of the messages", || {
            seen.lock().expect("not poisoned").len() >= MESSAGES as usize / 2
        })
        .await;
        permits.add_permits(MESSAGES as usize);
        first.stop().await;
        let handled_first = seen.lock().expect("not poisoned").len();

        let second = Running::start(&kafka, [collecting(&topic, &group, &seen, &permits)]);
        let all: BTreeSet<i64> = (0..MESSAGES).collect();
        eventually("the other half", || {
            let seen: BTreeSet<i64> = seen.lock().expect("not poisoned").iter().copied().collect();
            seen == all
        })
        .await;
        second.stop().await;
        let seen = seen.lock().expect("not poisoned");
        assert_eq!(
            seen.len(),
            MESSAGES as usize,
            "handled twice, though the first stop had time for all it started \
             ({handled_first} before it)"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_retry_and_does_not_commit_it() {
    for broker in TestBroker::each("a_stop_does_not_wait_for_a_retry") {
        let kafka = broker.kafka();
        let topic = broker.topic("retry").await;
        Probe::produce_only(&topic)
            .produce(OrTombstone::Value(json!(1)))
            .on(&kafka)
            .await
            .expect("acknowledged");
        let group = unique("retry");
        let failing = ConsumerSpec::new("Failing", &group)
            .retry(kafka_integration::retry::RetryPolicy {
                delay: Duration::from_secs(5),
                ..Default::default()
            })
            .topic(Probe::new(&topic, |_, _| async {
                Err(ConsumeError::new("not yet"))
            }));
        let running = Running::start(&kafka, [failing]);
        eventually("the first attempt", || {
            running.status.consumers()[0].failed == 1
        })
        .await;
        running.stop().await;

        let seen = Seen::default();
        let permits = Arc::new(Semaphore::new(10));
        let running = Running::start(&kafka, [collecting(&topic, &group, &seen, &permits)]);
        // When it is due, which outlives the stop.
        eventually("the message again", || {
            *seen.lock().expect("not poisoned") == [1]
        })
        .await;
        running.stop().await;
    }
}
