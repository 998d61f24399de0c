//! A message fails while its consumer stops: it and what stands behind it are
//! given up, and nothing waits for them.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration_tests::{Probe, Running, TestBroker, eventually, unique};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::notes::{Notes, committed, send, text};

/// How long handlers may take to finish. None takes long here: a stop that takes
/// half of it waits for something that does not come.
const SHUTDOWN: Duration = Duration::from_secs(30);

fn handle(broker: &TestBroker) -> Kafka {
    let mut settings = broker.settings();
    settings.cluster.shutdown_timeout = SHUTDOWN;
    let builder = Kafka::builder().settings(settings);
    builder.build().expect("the settings are good")
}

/// Stops the consumer, has the message fail once that has begun, and sees the
/// end of it with nothing outstanding.
async fn stops<F: Future<Output = ()>>(
    broker: &TestBroker,
    consumer: ConsumerSpec,
    begun: impl FnOnce() -> F,
    fail: impl FnOnce(),
) {
    // Another one with nothing to do: that it has gone tells of the stop.
    let idle = broker.topic("idle").await;
    let idle = ConsumerSpec::new("Idle", unique("idle")).topic(Probe::produce_only(idle));
    let running = Running::start(&handle(broker), [consumer, idle]);
    let status = running.status.clone();
    let idles = || {
        let all = status.consumers();
        all.iter()
            .any(|status| status.name == "Idle" && status.partitions > 0)
    };
    eventually("the idle one", idles).await;
    begun().await;
    let stopping = tokio::spawn(running.stop());
    eventually("a stop", || !idles()).await;
    fail();
    let stopped = timeout(SHUTDOWN / 2, stopping).await;
    stopped.expect("it waits for nobody").expect("a good end");
    let all = status.consumers();
    let outstanding: usize = all.iter().map(|status| status.in_flight).sum();
    assert_eq!(outstanding, 0, "{all:?}");
}

/// By partition, and it fails without ever having yielded: the messages that were
/// taken together with it are behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_fails_while_its_consumer_stops() {
    for broker in TestBroker::each("a_turn_that_fails_while_its_consumer_stops") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("turn").await, unique("turn"));
        for number in 0..600 {
            send(&kafka, &topic, text(0, "k", &number.to_string())).await;
        }
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        // Dropped with the test, should that end before.
        let (fail, told) = mpsc::channel::<()>();
        let told = Mutex::new(told);
        let probe = Probe::new(&topic, move |message, _| {
            let fails = matches!(message.value().value(), Some(Value::String(it)) if it == "300");
            if fails {
                begins.store(true, Atomic::Release);
                let _ = told.lock().expect("not poisoned").recv();
            }
            async move {
                match fails {
                    true => Err(ConsumeError::new("as asked")),
                    false => Ok(()),
                }
            }
        });
        let consumer = ConsumerSpec::new("Turn", &group).topic(probe);
        let begun = async || eventually("it begins", || began.load(Atomic::Acquire)).await;
        stops(&broker, consumer, begun, move || drop(fail)).await;
        let done = committed(broker.address(), &group, &topic, 0);
        assert_eq!(done, 300, "what was finished is committed");
    }
}

/// By key: what is behind it of its key was never begun.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_fails_while_its_consumer_stops() {
    for broker in TestBroker::each("a_key_that_fails_while_its_consumer_stops") {
        let kafka = broker.kafka();
        let (topic, group) = (broker.topic("key").await, unique("key"));
        let all = [
            ("b", "first"),
            ("a", "slow"),
            ("a", "behind"),
            ("b", "other"),
        ];
        for (key, it) in all {
            send(&kafka, &topic, text(0, key, it)).await;
        }
        let (notes, permits) = (Notes::default(), Arc::new(Semaphore::new(0)));
        let (inner, waiting) = (
            Arc::new(notes.probe(&topic, |_| Ok(()))),
            Arc::clone(&permits),
        );
        let probe = Probe::new(&topic, move |message, cx| {
            let (inner, waiting) = (Arc::clone(&inner), Arc::clone(&waiting));
            async move {
                let slow =
                    matches!(message.value().value(), Some(Value::String(it)) if it == "slow");
                inner.call(message, &cx).await?;
                if slow {
                    waiting.acquire().await?.forget();
                    return Err(ConsumeError::new("as asked"));
                }
                Ok(())
            }
        });
        let consumer = ConsumerSpec::new("Key", &group)
            .topic(probe)
            .ordering(Ordering::Key)
            .concurrency(4);
        let begun = async || {
            eventually("the others", || {
                notes.count("other") + notes.count("first") + notes.count("slow") == 3
            })
            .await;
        };
        stops(&broker, consumer, begun, || permits.add_permits(1)).await;
        assert_eq!(notes.count("behind"), 0, "its turn never came");
        let done = committed(broker.address(), &group, &topic, 0);
        assert_eq!(done, 1, "what was finished is committed");
    }
}
