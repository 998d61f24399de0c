//! Memory is bounded, and one partition that stands still starves no other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration_tests::{PARTITIONS, Probe, Running, TestBroker, eventually, unique};
use serde_json::json;
use tokio::sync::Semaphore;

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_stands_still_fills_neither_memory_nor_the_others_way() {
    const EACH: usize = 3_000;
    const IN_FLIGHT: usize = 400;
    for broker in TestBroker::each("a_partition_that_stands_still") {
        let kafka = broker.kafka_with(|cluster| {
            cluster.max_in_flight = IN_FLIGHT.try_into().expect("not zero");
            // Small fetches, so that the partitions take turns in the client too.
            let config = &mut cluster.consumer_config;
            config.set("max.partition.fetch.bytes", "2000");
        });
        let topic = broker.topic("still").await;
        let records = (0..EACH).flat_map(|number| {
            (0..PARTITIONS).map(move |partition| {
                let value = OrTombstone::Value(json!(number));
                kafka_integration::producer::Record::<Probe>::new(value).partition(partition)
            })
        });
        Probe::produce_only(&topic)
            .produce_batch(records)
            .on(&kafka)
            .await
            .expect("acknowledged");

        let handled = Arc::new(Mutex::new(HashMap::<i32, usize>::new()));
        let gate = Arc::new(Semaphore::new(0));
        let consumer = ConsumerSpec::new("Still", unique("still"))
            .concurrency(PARTITIONS as usize)
            .topic(Probe::new(&topic, {
                let (handled, gate) = (Arc::clone(&handled), Arc::clone(&gate));
                move |message, _| {
                    let (handled, gate) = (Arc::clone(&handled), Arc::clone(&gate));
                    async move {
                        if message.partition() == 0 {
                            gate.acquire().await?.forget();
                        } else if message.offset() % 100 == 0 {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        let mut handled = handled.lock().expect("not poisoned");
                        *handled.entry(message.partition()).or_default() += 1;
                        Ok(())
                    }
                }
            }));
        let running = Running::start(&kafka, [consumer]);
        let most = Arc::new(Mutex::new(0));
        eventually("all of the other partitions", || {
            let in_flight = running.status.consumers()[0].in_flight;
            let mut most = most.lock().expect("not poisoned");
            *most = (*most).max(in_flight);
            let handled = handled.lock().expect("not poisoned");
            (1..PARTITIONS).all(|partition| handled.get(&partition) == Some(&EACH))
        })
        .await;
        assert!(
            *most.lock().expect("not poisoned") <= IN_FLIGHT,
            "{most:?} in flight"
        );
        assert_eq!(handled.lock().expect("not poisoned").get(&0), None);

        gate.add_permits(EACH);
        eventually("the paused partition, to its end", || {
            handled.lock().expect("not poisoned").get(&0) == Some(&EACH)
        })
        .await;
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_still_and_has_most_of_the_traffic_stops_no_other_key() {
    const IN_FLIGHT: usize = 300;
    const OTHERS: usize = 1_000;
    for broker in TestBroker::each("a_key_that_stands_still_and_has_most_of_the_traffic") {
        let kafka = broker.kafka_with(|cluster| {
            cluster.max_in_flight = IN_FLIGHT.try_into().expect("not zero");
            let config = &mut cluster.consumer_config;
            config.set("max.partition.fetch.bytes", "2000");
        });
        let topic = broker.topic("stuck").await;
        // Of each four messages three are of the key that hangs, in partition 0;
        // the other keys are in all partitions.
        let records = (0..OTHERS * 4).map(|number| {
            let value = OrTombstone::Value(json!(number));
            let record = kafka_integration::producer::Record::<Probe>::new(value);
            match number % 4 {
                0 => {
                    let other = number / 4;
                    let partition = other as i32 % PARTITIONS;
                    record.key(format!("k{}", other % 50)).partition(partition)
                }
                _ => record.key("stuck").partition(0),
            }
        });
        Probe::produce_only(&topic)
            .produce_batch(records)
            .on(&kafka)
            .await
            .expect("acknowledged");

        let seen = Arc::new(Mutex::new(HashMap::<String, Vec<(i32, i64)>>::new()));
        let gate = Arc::new(Semaphore::new(0));
        let consumer = ConsumerSpec::new("Stuck", unique("stuck"))
            .ordering(Ordering::Key)
            .concurrency(16)
            .topic(Probe::new(&topic, {
                let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
                move |message, _| {
                    let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
                    async move {
                        let key = message.key().cloned().unwrap_or_default();
                        if key == "stuck" {
                            gate.acquire().await?.forget();
                        }
                        let place = (message.partition(), message.offset());
                        let mut seen = seen.lock().expect("not poisoned");
                        seen.entry(key).or_default().push(place);
                        Ok(())
                    }
                }
            }));
        let running = Running::start(&kafka, [consumer]);
        let others = || {
            let seen = seen.lock().expect("not poisoned");
            seen.values().map(Vec::len).sum::<usize>()
        };
        eventually("all of the other keys", || others() == OTHERS).await;
        gate.add_permits(OTHERS * 4);
        eventually("the key that stood still", || others() == OTHERS * 4).await;
        running.stop().await;

        // Given back and delivered again: still each once, and in order.
        let seen = seen.lock().expect("not poisoned");
        assert_eq!(seen["stuck"].len(), OTHERS * 3);
        for (key, places) in &*seen {
            for partition in 0..PARTITIONS {
                let offsets = places.iter().filter(|(p, _)| *p == partition);
                assert!(
                    offsets.clone().is_sorted(),
                    "{key} in {partition}: {places:?}"
                );
            }
        }
    }
}

/// A key that fails has filled the partition's window with what it left to the
/// client. When it goes on, it gets that back.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_a_stuck_key_has_filled_opens_when_the_key_goes_on() {
    const MESSAGES: usize = 3_000;
    for broker in TestBroker::each("a_window_that_a_stuck_key_has_filled") {
        let kafka = broker.kafka_with(|cluster| {
            cluster.max_uncommitted = 200.try_into().expect("not zero");
            // So that the window is full long before the topic's end.
            let config = &mut cluster.consumer_config;
            config.set("max.partition.fetch.bytes", "2000");
        });
        let topic = broker.topic("window").await;
        let records = (0..MESSAGES).map(|number| {
            let value = OrTombstone::Value(json!(number));
            kafka_integration::producer::Record::<Probe>::new(value).key("hot")
        });
        Probe::produce_only(&topic)
            .produce_batch(records)
            .on(&kafka)
            .await
            .expect("acknowledged");

        let handled = Arc::new(Mutex::new(Vec::new()));
        let works = Arc::new(AtomicBool::new(false));
        let millisecond = Duration::from_millis(1);
        let consumer = ConsumerSpec::new("Window", unique("window"))
            .ordering(Ordering::Key)
            .retry(kafka_integration::retry::RetryPolicy {
                delay: millisecond,
                max_delay: millisecond,
                ..Default::default()
            })
            .topic(Probe::new(&topic, {
                let (handled, works) = (Arc::clone(&handled), Arc::clone(&works));
                move |message, _| {
                    let works = works.load(SeqCst);
                    if works {
                        handled.lock().expect("not poisoned").push(message.offset());
                    }
                    async move {
                        match works {
                            true => Ok(()),
                            false => Err(ConsumeError::new("not yet")),
                        }
                    }
                }
            }));
        let running = Running::start(&kafka, [consumer]);
        eventually("the window is full", || {
            running.status.consumers()[0].pauses > 0
        })
        .await;
        works.store(true, SeqCst);
        eventually("all", || {
            handled.lock().expect("not poisoned").len() >= MESSAGES
        })
        .await;
        running.stop().await;
        let handled = handled.lock().expect("not poisoned");
        assert!(handled.iter().copied().eq(0..MESSAGES as i64), "in order");
    }
}
