//! Handlers that hang and handlers that panic.

use std::time::{Duration, Instant};

use kafka_integration_tests::{Event, Kind, TestBroker};

use crate::support::{Audit, Lane, Ledger, Scene, produce, until};

const PARTITIONS: i32 = 4;
/// More than may be in flight: the hung lane must not use it all up.
const PER_PARTITION: u64 = 1_500;
const EVENTS: u64 = PER_PARTITION * PARTITIONS as u64;
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(6);

#[test]
fn a_hung_handler_costs_neither_membership_nor_other_partitions() {
    a_hung_handler(
        "a_hung_handler_costs_neither_membership_nor_other_partitions",
        Lane::Partition,
    );
}

#[test]
fn a_hung_handler_costs_neither_membership_nor_other_keys() {
    a_hung_handler(
        "a_hung_handler_costs_neither_membership_nor_other_keys",
        Lane::Key,
    );
}

/// Partition 0 has the key that hangs as its very first.
fn events() -> impl Iterator<Item = (i32, Event)> {
    (0..EVENTS).map(|id| {
        let partition = (id % PARTITIONS as u64) as i32;
        let number = id / PARTITIONS as u64;
        let key = format!("key-{partition}-{}", number % 10);
        let sequence = number / 10;
        (partition, Event { id, key, sequence })
    })
}

fn a_hung_handler(test: &str, lane: Lane) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let scene = Scene::new(bootstrap, "hang", PARTITIONS);
        produce(&scene, events());
        let audit = Audit::start(&scene);
        let hang = 2 * MAX_POLL_INTERVAL;
        let hang_ms = hang.as_millis().to_string();
        let max_poll = format!("max.poll.interval.ms={}", MAX_POLL_INTERVAL.as_millis());
        let mut arguments = vec!["--concurrency", "4", "--max-in-flight", "1000"];
        arguments.extend(["--hang-key", "key-0-0", "--hang-ms", &hang_ms]);
        arguments.extend(["--config", "session.timeout.ms=6000", "--config", &max_poll]);
        arguments.extend(match lane {
            Lane::Partition => ["--ordering", "partition"],
            Lane::Key => ["--ordering", "key"],
        });
        let mut member = scene.start(&arguments);
        let held_up = match lane {
            Lane::Partition => PER_PARTITION,
            Lane::Key => PER_PARTITION / 10,
        };
        // The others, while that one hangs.
        let started = Instant::now();
        until(hang, || {
            let finished = audit.finished();
            let missing = || format!("{} other messages", EVENTS - held_up - finished);
            (finished < EVENTS - held_up).then(missing)
        });
        println!("{test}: the others after {:?}", started.elapsed());
        let meanwhile = audit.finished();
        assert_eq!(meanwhile, EVENTS - held_up, "the lane that hangs stands");
        until(2 * hang, || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{} messages", EVENTS - finished))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        assert_eq!(member.assignments(), 1, "{}", member.log());
        assert!(!member.log().contains("revoked"), "{}", member.log());
        member.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        assert_eq!(ledger.duplicates(), 0);
        ledger.check_order(lane);
        check_hung_alone(&ledger, hang);
    }
}

/// The first one did hang for that long.
fn check_hung_alone(ledger: &Ledger, hang: Duration) {
    let of_first = |kind| {
        let mut entries = ledger.entries.iter();
        let entry = entries.find(|entry| entry.event.id == 0 && entry.kind == kind);
        entry.expect("it was handled").at
    };
    let took = Duration::from_micros(of_first(Kind::Finished) - of_first(Kind::Started));
    assert!(took >= hang, "{took:?}");
}

#[test]
fn a_panic_costs_only_its_message_by_partition() {
    a_panic(
        "a_panic_costs_only_its_message_by_partition",
        Lane::Partition,
    );
}

#[test]
fn a_panic_costs_only_its_message_by_key() {
    a_panic("a_panic_costs_only_its_message_by_key", Lane::Key);
}

fn a_panic(test: &str, lane: Lane) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let scene = Scene::new(bootstrap, "panic", PARTITIONS);
        produce(&scene, events());
        let audit = Audit::start(&scene);
        let mut arguments = vec!["--concurrency", "4", "--panic-key", "key-0-3"];
        arguments.extend(match lane {
            Lane::Partition => ["--ordering", "partition"],
            Lane::Key => ["--ordering", "key"],
        });
        let mut member = scene.start(&arguments);
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{} messages", EVENTS - finished))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        assert_eq!(member.assignments(), 1, "{}", member.log());
        member.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        ledger.check_order(lane);
        assert_eq!(ledger.duplicates(), 0);
        let attempts = |kind| {
            let entries = ledger.entries.iter();
            entries.filter(|entry| entry.kind == kind).count() as u64
        };
        assert_eq!(attempts(Kind::Failed), 1, "one panic");
        assert_eq!(attempts(Kind::Started), EVENTS + 1, "one message again");
    }
}
