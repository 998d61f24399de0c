//! A process is killed while messages wait for a batch, or are in one.

use std::time::Duration;

use kafka_integration_tests::TestBroker;

use crate::support::{Audit, Lane, Scene, event, heavy, produce, until};

/// The group notices soon that a member is gone.
const SESSION: [&str; 4] = [
    "--config",
    "session.timeout.ms=1000",
    "--config",
    "heartbeat.interval.ms=200",
];

#[test]
fn what_waits_for_a_batch_outlives_a_kill() {
    const EVENTS: u64 = 7;
    for broker in TestBroker::each("what_waits_for_a_batch_outlives_a_kill") {
        let scene = Scene::new(broker.address(), "batch-kill", 1);
        let audit = Audit::start(&scene);
        let start = |min: &str| {
            let batches = ["--batch-min", min, "--batch-linger-ms", "3600000"];
            scene.start(&[&batches[..], &SESSION].concat())
        };
        produce(&scene, (0..EVENTS).map(|id| (None, event(id, 2))));
        let mut member = start("100");
        // Where it starts is committed once it has the first message.
        until(Duration::from_secs(30), || {
            let none = scene.committed().is_empty();
            none.then(|| "the first message".to_owned())
        });
        member.kill();
        assert_eq!(audit.finished(), 0);
        assert_eq!(scene.committed().into_values().sum::<i64>(), 0);

        let mut member = start("7");
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{finished} of {EVENTS} events"))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        assert_eq!((ledger.finished(), ledger.duplicates()), (EVENTS, 0));
    }
}

#[test]
fn batches_killed_again_and_again_by_partition() {
    let test = "batches_killed_again_and_again_by_partition";
    killed_again_and_again(test, Lane::Partition, "partition");
}

#[test]
fn batches_killed_again_and_again_by_key() {
    killed_again_and_again("batches_killed_again_and_again_by_key", Lane::Key, "key");
}

/// Every third end is a stop.
fn killed_again_and_again(test: &str, lane: Lane, ordering: &str) {
    const EVENTS: u64 = 40_000;
    const KILLS: u64 = 6;
    const MAX_IN_FLIGHT: u64 = 2_000;
    for broker in TestBroker::each(test) {
        let _alone = heavy();
        let scene = Scene::new(broker.address(), "batches-kill", 4);
        produce(&scene, (0..EVENTS).map(|id| (None, event(id, 100))));
        let audit = Audit::start(&scene);
        let max_in_flight = MAX_IN_FLIGHT.to_string();
        let start = || {
            let mut arguments = vec!["--batch-min", "50", "--batch-max", "100"];
            arguments.extend(["--ordering", ordering]);
            arguments.extend(["--handler-ms", "10", "--concurrency", "4"]);
            arguments.extend(["--max-in-flight", &max_in_flight]);
            arguments.extend(SESSION);
            scene.start(&arguments)
        };
        let mut expected = 0;
        for kill in 0..KILLS {
            let before = audit.finished();
            let mut member = start();
            until(Duration::from_secs(30), || {
                let idle = audit.finished() < before + 500;
                idle.then(|| format!("progress of process {kill}"))
            });
            match kill % 3 {
                2 => member.stop(Duration::from_secs(10)),
                _ => member.kill(),
            }
            expected += audit.finished_above_commits(2 * MAX_IN_FLIGHT);
        }
        assert!(
            audit.finished() < EVENTS,
            "the last kills hit an idle process"
        );
        let mut member = start();
        until(Duration::from_secs(120), || {
            let left = EVENTS - audit.finished();
            (left > 0).then(|| format!("{left} of {EVENTS} events"))
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        ledger.check_order(lane);
        let duplicates = ledger.duplicates();
        println!("{test}: {duplicates} duplicates after {KILLS} kills");
        assert!(duplicates <= expected, "{expected} would have been right");
    }
}
