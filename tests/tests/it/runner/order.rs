//! Order and concurrency.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration_tests::{Probe, Running, TestBroker, eventually, unique};
use serde_json::json;

const MESSAGES: i64 = 2_000;
const KEYS: i64 = 37;

#[derive(Default)]
struct Watch {
    /// What is being handled, by what must be in order.
    active: HashSet<String>,
    last: HashMap<String, i64>,
    handled: usize,
    most: usize,
    inversions: usize,
    overlaps: usize,
}

/// Runs a consumer over messages of many keys and watches order and overlap.
async fn watch(broker: &TestBroker, ordering: Ordering, concurrency: usize) -> Watch {
    let kafka = broker.kafka();
    let topic = broker.topic("order").await;
    let records = (0..MESSAGES).map(|number| {
        let record =
            kafka_integration::producer::Record::<Probe>::new(OrTombstone::Value(json!(number)));
        record.key(format!("k{}", number % KEYS))
    });
    Probe::produce_only(&topic)
        .produce_batch(records)
        .on(&kafka)
        .await
        .expect("acknowledged");
    let watch = Arc::new(Mutex::new(Watch::default()));
    let consumer = ConsumerSpec::new("Order", unique("order"))
        .ordering(ordering)
        .concurrency(concurrency)
        .topic(Probe::new(&topic, {
            let watch = Arc::clone(&watch);
            move |message, _| {
                let watch = Arc::clone(&watch);
                async move {
                    let lane = match ordering {
                        Ordering::Partition => format!("{}", message.partition()),
                        Ordering::Key => message.key().cloned().unwrap_or_default(),
                        Ordering::None => format!("{}@{}", message.partition(), message.offset()),
                    };
                    {
                        let mut watch = watch.lock().expect("not poisoned");
                        let last = watch.last.insert(lane.clone(), message.offset());
                        watch.inversions += usize::from(last > Some(message.offset()));
                        watch.overlaps += usize::from(!watch.active.insert(lane.clone()));
                        watch.most = watch.most.max(watch.active.len());
                    }
                    if message.offset() % 3 == 0 {
                        tokio::time::sleep(Duration::from_micros(200)).await;
                    }
                    let mut watch = watch.lock().expect("not poisoned");
                    watch.active.remove(&lane);
                    watch.handled += 1;
                    Ok(())
                }
            }
        }));
    let running = Running::start(&kafka, [consumer]);
    eventually("every message", || {
        watch.lock().expect("not poisoned").handled == MESSAGES as usize
    })
    .await;
    running.stop().await;
    std::mem::take(&mut *watch.lock().expect("not poisoned"))
}

#[tokio::test(flavor = "multi_thread")]
async fn order_holds_and_concurrency_is_what_was_asked_for() {
    for broker in TestBroker::each("order_holds_and_concurrency_is_what_was_asked_for") {
        for (ordering, concurrency, at_most) in [
            (Ordering::Partition, 1, 1),
            (Ordering::Partition, 64, 4),
            (Ordering::Key, 1, 1),
            (Ordering::Key, 8, 8),
            (Ordering::Key, 500, KEYS as usize),
            (Ordering::None, 16, 16),
        ] {
            let watch = watch(&broker, ordering, concurrency).await;
            assert_eq!(watch.inversions, 0, "{ordering} {concurrency}");
            assert_eq!(watch.overlaps, 0, "{ordering} {concurrency}");
            assert!(
                (1..=at_most).contains(&watch.most),
                "{ordering} {concurrency}: {} at a time",
                watch.most
            );
            if ordering != Ordering::Partition && concurrency > 1 {
                assert!(watch.most > 1, "{ordering} {concurrency}: one at a time");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consumers_run_side_by_side() {
    for broker in TestBroker::each("two_consumers_run_side_by_side") {
        let kafka = broker.kafka();
        let topic = broker.topic("both").await;
        Probe::produce_only(&topic)
            .produce(OrTombstone::Value(json!(1)))
            .on(&kafka)
            .await
            .expect("acknowledged");
        // Each hook waits until the other one runs too.
        let inside = Arc::new(AtomicUsize::new(0));
        let done = Arc::new(AtomicUsize::new(0));
        let specs = ["One", "Other"].map(|name| {
            let (inside, done) = (Arc::clone(&inside), Arc::clone(&done));
            ConsumerSpec::new(name, unique(name)).topic(Probe::new(&topic, move |_, _| {
                let (inside, done) = (Arc::clone(&inside), Arc::clone(&done));
                async move {
                    inside.fetch_add(1, Atomic::SeqCst);
                    eventually("the other consumer", || inside.load(Atomic::SeqCst) == 2).await;
                    done.fetch_add(1, Atomic::SeqCst);
                    Ok(())
                }
            }))
        });
        let running = Running::start(&kafka, specs);
        eventually("both", || done.load(Atomic::SeqCst) == 2).await;
        running.stop().await;
    }
}
