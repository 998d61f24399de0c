//! Messages that fail, and wait to be tried again.

use std::time::{Duration, Instant};

use kafka_integration_tests::{Event, Kind, TestBroker};

use crate::support::{Audit, Lane, RawProducer, Scene, produce, until};

const PARTITIONS: i32 = 4;
const KEYS: u64 = 5;
const PER_KEY: u64 = 40;
const PER_PARTITION: u64 = KEYS * PER_KEY;
const EVENTS: u64 = PER_PARTITION * PARTITIONS as u64;
const DELAY: Duration = Duration::from_secs(1);

#[test]
fn a_retry_holds_up_no_other_partition() {
    a_retry("a_retry_holds_up_no_other_partition", Lane::Partition);
}

#[test]
fn a_retry_holds_up_no_other_key() {
    a_retry("a_retry_holds_up_no_other_key", Lane::Key);
}

fn events() -> impl Iterator<Item = (i32, Event)> {
    (0..EVENTS).map(|id| {
        let partition = (id % PARTITIONS as u64) as i32;
        let number = id / PARTITIONS as u64;
        let key = format!("key-{partition}-{}", number % KEYS);
        let sequence = number / KEYS;
        (partition, Event { id, key, sequence })
    })
}

/// One message fails five times. With a concurrency of 1, the only worker must
/// not wait with it.
fn a_retry(test: &str, lane: Lane) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let scene = Scene::new(bootstrap, "retry", PARTITIONS);
        // One producer for all: its start alone can take longer than a retry.
        let mut producer = RawProducer::new(&scene.bootstrap, &scene.topic);
        producer.send_all(events().take(1));
        let audit = Audit::start(&scene);
        let delay_ms = DELAY.as_millis().to_string();
        let mut arguments = vec!["--concurrency", "1", "--retry-ms", &delay_ms];
        arguments.extend(["--fail-key", "key-0-0", "--fail-times", "5"]);
        arguments.extend(match lane {
            Lane::Partition => ["--ordering", "partition"],
            Lane::Key => ["--ordering", "key"],
        });
        let mut member = scene.start(&arguments);
        until(Duration::from_secs(30), || {
            (audit.failures() == 0).then(|| "the first failure".to_owned())
        });
        producer.send_all(events().skip(1));
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{} messages", EVENTS - finished))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(10));

        let ledger = audit.finish();
        ledger.check_order(lane);
        assert_eq!(ledger.duplicates(), 0);
        let mut failed: Vec<_> = ledger.entries.iter().collect();
        failed.retain(|entry| entry.kind == Kind::Failed);
        assert_eq!(failed.len(), 5);
        assert!(failed.iter().all(|entry| entry.event.id == 0));
        for pair in failed.windows(2) {
            let delay = Duration::from_micros(pair[1].at - pair[0].at);
            assert!(delay + Duration::from_millis(1) >= DELAY, "{delay:?}");
        }
        // The others don't wait even once.
        let soon = failed[0].at + DELAY.as_micros() as u64;
        let last = failed[4].at;
        let waits = |event: &Event, partition| match lane {
            Lane::Partition => partition == 0,
            Lane::Key => event.key == "key-0-0",
        };
        for entry in &ledger.entries {
            if entry.kind != Kind::Finished {
                continue;
            }
            if waits(&entry.event, entry.partition) {
                assert!(entry.at > last, "{entry:?}, the last failure: {last}");
            } else {
                assert!(entry.at < soon, "{entry:?}, it should be before {soon}");
            }
        }
    }
}

/// A message that waits for its retry does not hold up the end of the process,
/// and whoever comes next gets it, when it is due.
#[test]
fn a_waiting_retry_is_given_up_and_delivered_again() {
    let test = "a_waiting_retry_is_given_up_and_delivered_again";
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let scene = Scene::new(bootstrap, "giveup", PARTITIONS);
        produce(&scene, events());
        let audit = Audit::start(&scene);
        let waits = ["--retry-ms", "15000", "--fail-key", "key-0-0"];
        let mut arguments = vec!["--concurrency", "4", "--fail-times", "1"];
        arguments.extend(waits);
        let mut member = scene.start(&arguments);
        let others = EVENTS - PER_PARTITION;
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < others).then(|| format!("{} other messages", others - finished))
        });
        let asked = Instant::now();
        member.stop(Duration::from_secs(10));
        let took = asked.elapsed();
        println!("{test}: ended after {took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(audit.finished(), others);
        // Where the group starts is committed; nothing above it is.
        let committed = scene.committed().get(&0).copied().unwrap_or(0);
        assert_eq!(committed, 0, "it is not finished");

        let mut heir = scene.start(&[]);
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{} messages", EVENTS - finished))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        heir.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        ledger.check_order(Lane::Partition);
        assert_eq!(ledger.duplicates(), 0);
    }
}
