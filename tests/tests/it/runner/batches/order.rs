//! Order and concurrency of batches.

use std::collections::{HashMap, HashSet};

use kafka_integration_tests::{Running, eventually};

use super::*;

const MESSAGES: i64 = 4_000;

#[derive(Default)]
struct Watch {
    /// What batches hold now.
    held: HashSet<String>,
    last: HashMap<String, i64>,
    running: usize,
    most_running: usize,
    seen: HashSet<(i32, i64)>,
    wrong: Vec<String>,
}

impl Watch {
    fn start(&mut self, lanes: &[(String, i64)]) {
        self.running += 1;
        self.most_running = self.most_running.max(self.running);
        let mine: HashSet<&String> = lanes.iter().map(|(lane, _)| lane).collect();
        for lane in mine {
            if !self.held.insert(lane.clone()) {
                self.wrong.push(format!("{lane} is in two batches"));
            }
        }
        for (lane, offset) in lanes {
            let last = self.last.insert(lane.clone(), *offset);
            if last > Some(*offset) {
                self.wrong.push(format!("{lane} went back to {offset}"));
            }
        }
    }

    fn end(&mut self, lanes: &[(String, i64)]) {
        self.running -= 1;
        for (lane, _) in lanes {
            self.held.remove(lane);
        }
    }
}

async fn watch(broker: &TestBroker, ordering: Ordering) -> Watch {
    let (kafka, topic) = (broker.kafka(), broker.topic("batch-order").await);
    produce(&kafka, &topic, 0..MESSAGES).await;
    let watch = Arc::new(Mutex::new(Watch::default()));
    let watching = Arc::clone(&watch);
    let linger = Duration::from_millis(50);
    let stamps = Stamps::new(&topic, policy(5, 20, linger), move |batch, _| {
        let watch = Arc::clone(&watching);
        Box::pin(async move {
            let lane = |m: &Message<Stamps>| match ordering {
                Ordering::Partition => format!("{}", m.partition()),
                Ordering::Key => format!("{}:{:?}", m.partition(), m.key()),
                Ordering::None => format!("{}@{}", m.partition(), m.offset()),
            };
            let lanes: Vec<_> = batch.iter().map(|m| (lane(m), m.offset())).collect();
            watch.lock().expect("not poisoned").start(&lanes);
            tokio::time::sleep(Duration::from_millis(1 + lanes.len() as u64 % 3)).await;
            let mut watch = watch.lock().expect("not poisoned");
            watch.end(&lanes);
            let positions = batch.iter().map(|m| (m.partition(), m.offset()));
            watch.seen.extend(positions);
            Ok(())
        })
    });
    let consumer = consumer(stamps).ordering(ordering).concurrency(8);
    let running = Running::start(&kafka, [consumer]);
    eventually("all messages", || {
        watch.lock().expect("not poisoned").seen.len() == MESSAGES as usize
    })
    .await;
    running.stop().await;
    std::mem::take(&mut *watch.lock().expect("not poisoned"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_or_a_key_is_in_one_batch_at_a_time_and_in_order() {
    for broker in TestBroker::each("a_partition_or_a_key_is_in_one_batch") {
        for ordering in [Ordering::Partition, Ordering::Key, Ordering::None] {
            let watch = watch(&broker, ordering).await;
            assert!(watch.wrong.is_empty(), "by {ordering}: {:?}", watch.wrong);
            let (least, most) = match ordering {
                Ordering::Partition => (2, 4),
                _ => (2, 8),
            };
            let running = watch.most_running;
            assert!(
                (least..=most).contains(&running),
                "by {ordering}: {running} at a time"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_still_holds_up_nobody_else_and_goes_on_in_order() {
    for broker in TestBroker::each("what_stands_still_holds_up_nobody_else") {
        for ordering in [Ordering::Partition, Ordering::Key] {
            let topic = broker.topic("still").await;
            let mut settings = broker.settings();
            // Far less than there is behind the message that fails.
            settings.cluster.max_in_flight = std::num::NonZeroUsize::new(200).expect("not zero");
            let kafka = Kafka::builder().settings(settings).build();
            let kafka = kafka.expect("the settings are good");
            produce(&kafka, &topic, 0..MESSAGES).await;
            let still = Arc::new(std::sync::atomic::AtomicBool::new(true));
            let done: Arc<Mutex<Vec<(i32, String, i64)>>> = Arc::default();
            let (noting, standing) = (Arc::clone(&done), Arc::clone(&still));
            let linger = Duration::from_millis(50);
            let stamps = Stamps::new(&topic, policy(20, 50, linger), move |batch, _| {
                let mut failures = BatchFailures::new();
                let mut done = noting.lock().expect("not poisoned");
                for (index, message) in batch.iter().enumerate() {
                    let standing = standing.load(std::sync::atomic::Ordering::Relaxed);
                    if number(message) == 5 && standing {
                        failures.push(index, ConsumeError::new("not yet"));
                        continue;
                    }
                    let key = message.key().cloned().unwrap_or_default();
                    done.push((message.partition(), key, message.offset()));
                }
                Box::pin(async { failures.into_result() })
            });
            let retry = RetryPolicy {
                delay: Duration::from_millis(300),
                factor: 1.0,
                log_every: 100,
                // Otherwise later ones of the same batch are done before it.
                preserve_order: ordering == Ordering::Key,
                ..RetryPolicy::default()
            };
            let consumer = consumer(stamps)
                .ordering(ordering)
                .concurrency(4)
                .retry(retry);
            let running = Running::start(&kafka, [consumer]);
            let count = || done.lock().expect("not poisoned").len();
            // By partition, a quarter of them stands behind it; by key, few do.
            let others = match ordering {
                Ordering::Partition => MESSAGES as usize / 2,
                _ => MESSAGES as usize - 2 * MESSAGES as usize / 37,
            };
            eventually("the others", || count() >= others).await;
            still.store(false, std::sync::atomic::Ordering::Relaxed);
            eventually("all of them", || count() >= MESSAGES as usize).await;
            running.stop().await;
            assert_eq!(
                count(),
                MESSAGES as usize,
                "by {ordering}: some were handled twice"
            );
            if ordering == Ordering::Partition {
                continue;
            }
            let mut last: HashMap<String, i64> = HashMap::new();
            for (partition, key, offset) in done.lock().expect("not poisoned").iter() {
                let before = last.insert(format!("{partition}:{key}"), *offset);
                assert!(before.is_none_or(|b| b < *offset), "{key} went back");
            }
        }
    }
}
