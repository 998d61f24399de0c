//! One message never gets done. It costs nothing but itself.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_integration_tests::{Entry, Event, Kind, TestBroker};

use crate::support::{Audit, Lane, Scene, event, heavy, produce, until};

const EVENTS: u64 = 200_000;
const KEYS: u64 = 1_000;
const PARTITIONS: i32 = 4;
const RESTARTS: u64 = 4;
const CONCURRENCY: usize = 16;
const MAX_IN_FLIGHT: u64 = 512;
const STUCK: &str = "key-7";
/// Events of the key that is stuck.
const STUCK_EVENTS: u64 = EVENTS / KEYS;
/// In flight, and finished but not committed, at any moment.
const MOST_AT_ONCE: u64 = 2 * MAX_IN_FLIGHT + 1_024;
const MEGABYTE: u64 = 1 << 20;
/// The process itself and what its client prefetches, in MiB.
const FLAT: u64 = 120;

#[test]
fn a_message_that_is_stuck_for_ever_costs_nothing_but_itself() {
    let test = "a_message_that_is_stuck_for_ever_costs_nothing_but_itself";
    for broker in TestBroker::each(test) {
        let _alone = heavy();
        let scene = Scene::new(broker.address(), "stuck", PARTITIONS);
        produce(&scene, (0..EVENTS).map(|id| (None, event(id, KEYS))));
        let audit = Audit::start(&scene);

        let (concurrency, max) = (CONCURRENCY.to_string(), MAX_IN_FLIGHT.to_string());
        let start = |failing: &[&str]| {
            let mut arguments = vec!["--ordering", "key", "--concurrency", &concurrency];
            arguments.extend(["--max-in-flight", &max]);
            // The group notices soon that a member is gone.
            arguments.extend(["--config", "session.timeout.ms=1000"]);
            arguments.extend(["--config", "heartbeat.interval.ms=200"]);
            // What is in flight is of all partitions.
            arguments.extend(["--config", "max.partition.fetch.bytes=16384"]);
            arguments.extend(failing);
            scene.start(&arguments)
        };
        let stuck = ["--fail-key", STUCK, "--fail-times", "4000000000"];
        let others = EVENTS - STUCK_EVENTS;
        let mut peaks = Vec::new();
        for process in 0..=RESTARTS {
            let (before, failures) = (audit.finished(), audit.failures());
            let mut member = start(&stuck);
            // Each gets an equal part further; the last finishes the others.
            let enough = before + (others - before) / (RESTARTS + 1 - process);
            until(Duration::from_secs(120), || {
                let finished = audit.finished();
                (finished < enough).then(|| format!("{} events", enough - finished))
            });
            until(Duration::from_secs(30), || {
                let tried = audit.failures() > failures;
                (!tried).then(|| "another try of the stuck one".to_owned())
            });
            peaks.push(member.peak_memory() / MEGABYTE);
            if process < RESTARTS {
                member.kill();
            } else {
                // Whatever can be finished is; a moment later nothing is
                // handled again, or waits to be.
                let failures = audit.failures();
                until(Duration::from_secs(30), || {
                    (audit.failures() < failures + 3).then(|| "failures".to_owned())
                });
                member.stop(Duration::from_secs(10));
            }
        }
        let finished = audit.finished();
        assert_eq!(finished, others, "nothing but the stuck key is left");

        let mut member = start(&[]);
        until(Duration::from_secs(60), || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{} events", EVENTS - finished))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(10));

        let ledger = audit.finish();
        ledger.check_order(Lane::Key);
        let duplicates = ledger.duplicates();
        println!("{test}: {duplicates} duplicates, peaks of {peaks:?} MiB");
        assert!(duplicates <= RESTARTS * MOST_AT_ONCE, "{duplicates}");
        assert!(peaks.iter().all(|peak| *peak <= FLAT), "{peaks:?} MiB");
        let mut processes: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
        for entry in ledger.entries.iter().filter(|e| e.kind == Kind::Started) {
            processes.entry(entry.process).or_default().push(entry);
        }
        assert_eq!(processes.len() as u64, RESTARTS + 2);
        for started in processes.values() {
            comes_first(started);
        }
    }
}

/// A key of every ten messages is stuck: more and more is open, until the broker
/// would not take the record of it.
#[test]
fn a_partition_waits_before_its_record_is_too_long() {
    const EVENTS: u64 = 60_000;
    const KEYS: u64 = 10;
    const MAX_IN_FLIGHT: u64 = 1_000;
    let test = "a_partition_waits_before_its_record_is_too_long";
    for broker in TestBroker::each(test) {
        let _alone = heavy();
        let scene = Scene::new(broker.address(), "full", 2);
        produce(&scene, (0..EVENTS).map(|id| (0, event(id, KEYS))));
        let others = (EVENTS..EVENTS + 1_000).map(|id| Event {
            id,
            key: format!("other-{id}"),
            sequence: 0,
        });
        produce(&scene, others.map(|event| (1, event)));
        let audit = Audit::start(&scene);
        let start = |failing: &[&str]| {
            let mut arguments = vec!["--ordering", "key", "--concurrency", "16"];
            arguments.extend(["--max-in-flight", "1000"]);
            arguments.extend(["--config", "session.timeout.ms=1000"]);
            arguments.extend(["--config", "heartbeat.interval.ms=200"]);
            arguments.extend(failing);
            scene.start(&arguments)
        };
        for process in 0..2 {
            let mut member = start(&["--fail-key", STUCK, "--fail-times", "4000000000"]);
            until(Duration::from_secs(60), || {
                // Twenty tries later nothing else has been done.
                let (finished, failures) = (audit.finished(), audit.failures());
                until(Duration::from_secs(30), || {
                    (audit.failures() < failures + 20).then(|| "failures".to_owned())
                });
                (audit.finished() > finished).then(|| "the partition waits".to_owned())
            });
            let finished = audit.finished() - 1_000;
            println!("{test}: process {process} waits after {finished}");
            assert!((5_000..EVENTS / 2).contains(&finished), "{finished}");
            member.kill();
        }
        // The key works again: what it has left to the client comes back.
        let mut member = start(&["--fail-key", STUCK, "--fail-times", "30"]);
        until(Duration::from_secs(120), || {
            let finished = audit.finished();
            let all = EVENTS + 1_000;
            (finished < all).then(|| format!("{} events", all - finished))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        ledger.check_order(Lane::Key);
        let duplicates = ledger.duplicates();
        println!("{test}: {duplicates} duplicates");
        // In flight, finished since the last commit, and left out of it.
        let most_at_once = 4 * MAX_IN_FLIGHT + 2 * 1_024;
        assert!(duplicates <= 2 * most_at_once, "{duplicates}");
    }
}

/// The message that is stuck is the first one of its partition, beside those
/// that are handled at the same time.
fn comes_first(started: &[&Entry]) {
    let is_stuck = |entry: &&&Entry| entry.event.key == STUCK && entry.event.sequence == 0;
    let stuck = started.iter().find(is_stuck).expect("it is tried again");
    let before = started.iter().take_while(|entry| !is_stuck(entry));
    let before = before.filter(|entry| entry.partition == stuck.partition);
    let before = before.count();
    assert!(before < CONCURRENCY, "{before} others came first");
}
