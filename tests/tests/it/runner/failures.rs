//! Failures stay where they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::retry::RetryPolicy;
use kafka_integration_tests::{Probe, Running, TestBroker, eventually, unique};
use serde_json::json;

fn quick() -> RetryPolicy {
    RetryPolicy {
        delay: Duration::from_millis(50),
        max_delay: Duration::from_millis(50),
        ..RetryPolicy::default()
    }
}

async fn produce(kafka: &Kafka, topic: &str, partition: i32, key: &str, value: serde_json::Value) {
    Probe::produce_only(topic)
        .produce(OrTombstone::Value(value))
        .key(key)
        .partition(partition)
        .on(kafka)
        .await
        .expect("acknowledged");
}

type Attempts = Arc<Mutex<HashMap<String, Vec<u32>>>>;

/// A consumer whose hook notes each attempt by the message's text and fails or
/// panics as the text says, twice.
fn failing(topic: &str, ordering: Ordering, attempts: &Attempts) -> ConsumerSpec {
    let attempts = Arc::clone(attempts);
    ConsumerSpec::new("Failing", unique("failing"))
        .ordering(ordering)
        .retry(quick())
        .topic(Probe::new(topic, move |message, cx| {
            let text = match message.into_value() {
                OrTombstone::Value(value) => value.as_str().unwrap_or_default().to_owned(),
                OrTombstone::Tombstone => String::new(),
            };
            let mut all = attempts.lock().expect("not poisoned");
            all.entry(text.clone()).or_default().push(cx.attempt());
            drop(all);
            async move {
                if cx.attempt() <= 2 && text.starts_with("fail") {
                    return Err(ConsumeError::new("as asked"));
                }
                assert!(cx.attempt() > 2 || !text.starts_with("panic"), "as asked");
                Ok(())
            }
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_message_is_tried_again_and_holds_up_its_lane_alone() {
    for broker in TestBroker::each("a_failed_message_is_tried_again") {
        for ordering in [Ordering::Partition, Ordering::Key, Ordering::None] {
            let kafka = broker.kafka();
            let topic = broker.topic("failed").await;
            produce(&kafka, &topic, 0, "a", json!("fail")).await;
            produce(&kafka, &topic, 0, "a", json!("panic")).await;
            produce(&kafka, &topic, 0, "b", json!("other key")).await;
            produce(&kafka, &topic, 1, "c", json!("other partition")).await;
            let attempts = Attempts::default();
            // One worker: a message that waits must not hold it.
            let running = Running::start(&kafka, [failing(&topic, ordering, &attempts)]);
            eventually("every message, with its retries", || {
                running.status.consumers()[0].processed == 4
            })
            .await;
            assert_eq!(running.status.consumers()[0].failed, 4);
            running.stop().await;
            let attempts = attempts.lock().expect("not poisoned");
            assert_eq!(attempts["fail"], [1, 2, 3], "{ordering}");
            assert_eq!(attempts["panic"], [1, 2, 3], "{ordering}");
            assert_eq!(attempts["other key"], [1], "{ordering}");
            assert_eq!(attempts["other partition"], [1], "{ordering}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_the_topics_type_never_reach_the_hook() {
    for broker in TestBroker::each("bytes_that_are_not_the_topics_type_never_reach_the_hook") {
        let kafka = broker.kafka();
        let topic = broker.topic("garbage").await;
        let garbage = kafka_integration::producer::Outgoing {
            payload: Some(b"{ not json".to_vec()),
            partition: Some(0),
            ..Default::default()
        };
        let producer = kafka.producer(None).expect("a producer");
        producer
            .send_outgoing(&topic, &garbage)
            .await
            .expect("acknowledged");
        produce(&kafka, &topic, 1, "a", json!("good")).await;
        let attempts = Attempts::default();
        let running = Running::start(&kafka, [failing(&topic, Ordering::Partition, &attempts)]);
        eventually("the good one, and the other as a dead letter", || {
            let status = &running.status.consumers()[0];
            status.processed == 1 && status.dead == 1
        })
        .await;
        running.stop().await;
        let attempts = attempts.lock().expect("not poisoned");
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        assert_eq!(attempts["good"], [1]);
    }
}
