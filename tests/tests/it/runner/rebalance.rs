//! Partitions that go, come back, or start anew.

use std::sync::atomic::{AtomicI64, Ordering as Atomic};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration_tests::{
    PARTITIONS, Probe, Running, TestBroker, create_topic, delete_topic, eventually, unique,
};
use serde_json::json;
use tokio::sync::Semaphore;

async fn produce(kafka: &Kafka, topic: &str, partition: i32, numbers: std::ops::Range<i64>) {
    let records = numbers.map(|number| {
        let value = OrTombstone::Value(json!(number));
        kafka_integration::producer::Record::<Probe>::new(value).partition(partition)
    });
    Probe::produce_only(topic)
        .produce_batch(records)
        .on(kafka)
        .await
        .expect("acknowledged");
}

/// A consumer that notes numbers; those of partition 0 wait at a gate.
fn gated(
    topic: &str,
    group: &str,
    seen: &Arc<Mutex<Vec<(i32, i64)>>>,
    gate: &Arc<Semaphore>,
) -> ConsumerSpec {
    let (seen, gate) = (Arc::clone(seen), Arc::clone(gate));
    ConsumerSpec::new(unique("Gated"), group)
        .concurrency(PARTITIONS as usize)
        .topic(Probe::new(topic, move |message, _| {
            let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
            async move {
                if message.partition() == 0 {
                    gate.acquire().await?.forget();
                }
                let number = message.value().value().and_then(serde_json::Value::as_i64);
                let place = (message.partition(), number.unwrap_or(-1));
                seen.lock().expect("not poisoned").push(place);
                Ok(())
            }
        }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_paused_when_it_went_is_fetched_when_it_comes_back() {
    const EACH: i64 = 2_000;
    for broker in TestBroker::each("a_partition_that_was_paused_when_it_went") {
        let kafka = broker.kafka_with(|cluster| {
            cluster.max_in_flight = 300.try_into().expect("not zero");
            let config = &mut cluster.consumer_config;
            config.set("max.partition.fetch.bytes", "2000");
        });
        let topic = broker.topic("paused").await;
        produce(&kafka, &topic, 0, 0..EACH).await;
        for partition in 1..PARTITIONS {
            produce(&kafka, &topic, partition, 0..EACH).await;
        }
        let group = unique("paused");
        let seen = Arc::default();
        let gate = Arc::new(Semaphore::new(0));
        let staying = Running::start(&kafka, [gated(&topic, &group, &seen, &gate)]);
        let handled = |of: &dyn Fn(i32) -> bool| {
            let seen = seen.lock().expect("not poisoned");
            seen.iter().filter(|(partition, _)| of(*partition)).count() as i64
        };
        eventually("the partitions that are not held", || {
            handled(&|partition| partition != 0) >= EACH * i64::from(PARTITIONS - 1)
        })
        .await;
        // Another member joins and leaves: the partitions go and come back.
        let guest = Running::start(&kafka, [gated(&topic, &group, &seen, &gate)]);
        gate.add_permits(EACH as usize * 10);
        eventually("the guest", || guest.status.consumers()[0].partitions > 0).await;
        guest.stop().await;
        eventually("all partitions back", || {
            staying.status.consumers()[0].partitions == PARTITIONS as usize
        })
        .await;
        for partition in 0..PARTITIONS {
            produce(&kafka, &topic, partition, EACH..EACH + 10).await;
        }
        eventually("every message of every partition", || {
            let seen = seen.lock().expect("not poisoned");
            (0..PARTITIONS).all(|partition| {
                let of = |place: &&(i32, i64)| place.0 == partition;
                let mut numbers: Vec<_> = seen.iter().filter(of).map(|place| place.1).collect();
                numbers.sort_unstable();
                numbers.dedup();
                numbers.len() as i64 == EACH + 10
            })
        })
        .await;
        staying.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_is_read_from_its_new_beginning() {
    for broker in TestBroker::each("a_topic_that_is_made_anew") {
        let mut settings = broker.settings();
        let config = &mut settings.cluster.consumer_config;
        config.set("topic.metadata.refresh.interval.ms", "500");
        let kafka = Kafka::builder()
            .settings(settings)
            .build()
            .expect("the settings are good");
        let topic = unique("anew");
        create_topic(broker.address(), &topic, 1).await;
        produce(&kafka, &topic, 0, 0..100).await;
        let highest = Arc::new(AtomicI64::new(-1));
        let seen: Arc<Mutex<Vec<i64>>> = Arc::default();
        let consumer = ConsumerSpec::new("Anew", unique("anew")).topic(Probe::new(&topic, {
            let (seen, highest) = (Arc::clone(&seen), Arc::clone(&highest));
            move |message, _| {
                let number = message.value().value().and_then(serde_json::Value::as_i64);
                highest.fetch_max(message.offset(), Atomic::SeqCst);
                seen.lock()
                    .expect("not poisoned")
                    .push(number.unwrap_or(-1));
                async { Ok(()) }
            }
        }));
        let running = Running::start(&kafka, [consumer]);
        eventually("the old topic", || highest.load(Atomic::SeqCst) == 99).await;
        delete_topic(broker.address(), &topic).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        create_topic(broker.address(), &topic, 1).await;
        // A producer of its own: the other one may still know the old topic.
        produce(&broker.kafka(), &topic, 0, 1_000..1_050).await;
        eventually("the new topic, from its first message", || {
            let seen = seen.lock().expect("not poisoned");
            (1_000..1_050).all(|number| seen.contains(&number))
        })
        .await;
        running.stop().await;
    }
}
