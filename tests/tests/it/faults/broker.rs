//! The broker is killed and comes back, while producing and consuming.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;
use kafka_integration_tests::Event;

use crate::support::{Audit, KillableBroker, Lane, Scene, event, heavy, until};

const KEYS: u64 = 200;
const PRODUCERS: u64 = 20;

struct Orders {
    topic: String,
}

impl Topic for Orders {
    type Key = String;
    type Value = Event;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }
}

/// What is acknowledged by now, and whether to go on.
#[derive(Default)]
struct Producing {
    stop: AtomicBool,
    next: AtomicU64,
    acknowledged: Mutex<Vec<u64>>,
}

impl Producing {
    fn acknowledged(&self) -> Vec<u64> {
        self.acknowledged
            .lock()
            .expect("no producer panics")
            .clone()
    }

    async fn run(self: Arc<Self>, orders: Arc<Orders>, kafka: Kafka) {
        while !self.stop.load(Atomic::Relaxed) {
            let event = event(self.next.fetch_add(1, Atomic::Relaxed), KEYS);
            let (id, key) = (event.id, event.key.clone());
            let delivery = orders.produce(event).key(key).on(&kafka).await;
            delivery.expect("producing goes on by itself");
            self.acknowledged
                .lock()
                .expect("no producer panics")
                .push(id);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[test]
fn a_killed_broker_loses_no_acknowledged_message() {
    let test = "a_killed_broker_loses_no_acknowledged_message";
    let _alone = heavy();
    for start in KillableBroker::each(test) {
        is_killed(test, start());
    }
}

fn is_killed(test: &str, mut broker: KillableBroker) {
    let scene = Scene::new(broker.address(), "broker", 4);
    let audit = Audit::start(&scene);
    let mut member = scene.start(&["--ordering", "partition", "--concurrency", "16"]);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let kafka = Kafka::builder()
        .settings(Settings::with_bootstrap_servers(broker.address()))
        .build()
        .expect("settings that hold");
    let orders = Arc::new(Orders {
        topic: scene.topic.clone(),
    });
    let producing = Arc::new(Producing::default());
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let producing = Arc::clone(&producing);
            runtime.spawn(producing.run(Arc::clone(&orders), kafka.clone()))
        })
        .collect();
    let until_acknowledged = |count: usize| {
        until(Duration::from_secs(60), || {
            let now = producing.acknowledged().len();
            (now < count).then(|| format!("acknowledgement {count}, {now} are there"))
        });
    };

    let mut expected = 1_000;
    for _ in 0..2 {
        until_acknowledged(expected);
        broker.kill();
        std::thread::sleep(Duration::from_secs(1));
        let before = (producing.acknowledged().len(), audit.finished());
        broker.restart();
        expected = before.0 + 1_000;
        until_acknowledged(expected);
        until(Duration::from_secs(60), || {
            let stands = audit.finished() <= before.1 + 500;
            stands.then(|| "consuming going on".to_owned())
        });
    }
    producing.stop.store(true, Atomic::Relaxed);
    for producer in producers {
        let ended = runtime.block_on(producer);
        ended.expect("every record was acknowledged");
    }
    let acknowledged = producing.acknowledged();
    until(Duration::from_secs(60), || {
        let missing = acknowledged.len() as u64 - audit.finished();
        (missing > 0).then(|| format!("{missing} acknowledged messages"))
    });
    until(Duration::from_secs(20), || scene.uncommitted());
    member.stop(Duration::from_secs(15));
    let ledger = audit.finish();
    assert!(acknowledged.iter().all(|id| ledger.is_finished(*id)));
    let records: u64 = scene.ends().values().map(|end| *end as u64).sum();
    assert_eq!(records, acknowledged.len() as u64, "nothing was doubled");
    println!(
        "{test}: {records} acknowledged, {} came twice",
        ledger.duplicates()
    );
    // Keys are produced to by many tasks, so only the partition has an order.
    ledger.check_order(Lane::Partition);
}
