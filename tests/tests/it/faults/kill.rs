//! The consuming process is killed, again and again.

use std::time::Duration;

use kafka_integration_tests::TestBroker;

use crate::support::{Audit, Lane, Random, Scene, event, heavy, produce, until};

const EVENTS: u64 = 100_000;
const KEYS: u64 = 1_000;
const PARTITIONS: i32 = 12;
const KILLS: u64 = 20;
const MAX_IN_FLIGHT: u64 = 512;
/// Finished and not committed, at any moment: what a kill has delivered again.
const MOST_AT_ONCE: u64 = 2 * MAX_IN_FLIGHT + 1_024;

#[test]
fn killed_again_and_again_by_partition() {
    // Few lanes: short handlers, so that it takes as long as by key.
    killed_again_and_again("killed_again_and_again_by_partition", Lane::Partition, "1");
}

#[test]
fn killed_again_and_again_by_key() {
    killed_again_and_again("killed_again_and_again_by_key", Lane::Key, "8");
}

fn killed_again_and_again(test: &str, lane: Lane, handler_ms: &str) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let _alone = heavy();
        let scene = Scene::new(bootstrap, "kill", PARTITIONS);
        produce(&scene, (0..EVENTS).map(|id| (None, event(id, KEYS))));
        let audit = Audit::start(&scene);
        let mut random = Random::new();

        let max_in_flight = MAX_IN_FLIGHT.to_string();
        let ordering = match lane {
            Lane::Partition => "partition",
            Lane::Key => "key",
        };
        let start = || {
            let mut arguments = vec!["--ordering", ordering, "--concurrency", "64"];
            arguments.extend(["--handler-ms", handler_ms]);
            arguments.extend(["--max-in-flight", &max_in_flight]);
            // The group notices soon that a member is gone.
            arguments.extend(["--config", "session.timeout.ms=1000"]);
            arguments.extend(["--config", "heartbeat.interval.ms=200"]);
            // What is in flight is of many partitions.
            arguments.extend(["--config", "max.partition.fetch.bytes=4096"]);
            scene.start(&arguments)
        };
        let mut expected = 0;
        for kill in 0..KILLS {
            let mut member = start();
            // Mostly in the middle of the work, sometimes before it begins.
            if kill % 5 != 0 {
                let before = audit.finished();
                until(Duration::from_secs(30), || {
                    let idle = audit.finished() == before;
                    idle.then(|| format!("progress of process {kill}"))
                });
            }
            std::thread::sleep(Duration::from_millis(random.below(700)));
            member.kill();
            expected += audit.finished_above_commits(MOST_AT_ONCE);
        }
        let left = EVENTS - audit.finished();
        println!("{test}: {left} events left after {KILLS} kills");
        assert!(left > 0, "the last kills hit an idle process");

        let mut member = start();
        until(Duration::from_secs(120), || {
            let finished = audit.finished();
            let missing = || format!("{} of {EVENTS} events", EVENTS - finished);
            (finished < EVENTS).then(missing)
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(10));

        let ledger = audit.finish();
        ledger.check_order(lane);
        let duplicates = ledger.duplicates();
        println!("{test}: {duplicates} duplicates after {KILLS} kills");
        // Whatever was finished and not committed when a process was killed.
        assert!(duplicates <= expected, "{expected} would have been right");
        assert!(expected <= KILLS * MOST_AT_ONCE);
    }
}
