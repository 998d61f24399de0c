//! SIGTERM under load.

use std::time::{Duration, Instant};

use kafka_integration_tests::TestBroker;

use crate::support::{Audit, Lane, Load, Scene, heavy, until};

const CONCURRENCY: &str = "32";

#[test]
fn stopped_under_load_by_partition() {
    stopped_under_load("stopped_under_load_by_partition", Lane::Partition);
}

#[test]
fn stopped_under_load_by_key() {
    stopped_under_load("stopped_under_load_by_key", Lane::Key);
}

/// What is in flight is finished and committed; nothing is done again.
fn stopped_under_load(test: &str, lane: Lane) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let _alone = heavy();
        let scene = Scene::new(bootstrap, "stop", 8);
        let audit = Audit::start(&scene);
        let ordering = match lane {
            Lane::Partition => "partition",
            Lane::Key => "key",
        };
        let load = Load::start(&scene, 1_500, 500);
        let arguments = ["--ordering", ordering, "--concurrency", CONCURRENCY];
        // Slower than the load by partition: there is a backlog as well.
        let start = || scene.start(&[&arguments[..], &["--handler-ms", "5"]].concat());
        for _ in 0..3 {
            let before = audit.finished();
            let mut member = start();
            until(Duration::from_secs(30), || {
                let little = audit.finished() < before + 1_000;
                little.then(|| "work under load".to_owned())
            });
            let asked = Instant::now();
            member.stop(Duration::from_secs(30));
            println!("{test}: ended with 0 after {:?}", asked.elapsed());
            // All that it finished is committed.
            assert_eq!(audit.finished_above_commits(0), 0);
        }
        let produced = load.stop();
        let mut member = start();
        until(Duration::from_secs(60), || {
            let finished = audit.finished();
            let missing = || format!("{} of {produced} events", produced - finished);
            (finished < produced).then(missing)
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        member.stop(Duration::from_secs(30));
        let ledger = audit.finish();
        ledger.check_order(lane);
        assert_eq!(ledger.abandoned(), 0, "what was started is finished");
        let duplicates = ledger.duplicates();
        println!("{test}: {duplicates} of {produced} events came twice");
        assert_eq!(duplicates, 0);
    }
}

/// A handler that does not end is waited for until `shutdown_timeout`, and a
/// second signal waits for nothing. Either way the message comes again.
#[test]
fn what_does_not_end_is_cut_off_and_delivered_again() {
    let test = "what_does_not_end_is_cut_off_and_delivered_again";
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let scene = Scene::new(bootstrap, "cutoff", 2);
        let audit = Audit::start(&scene);
        let load = Load::start(&scene, 200, 20);
        let hangs = [
            "--ordering",
            "key",
            "--concurrency",
            "8",
            "--hang-key",
            "key-7",
            // How long the group waits for the one that was cut off.
            "--config",
            "session.timeout.ms=6000",
        ];
        let start = |shutdown_ms| {
            let hang = ["--hang-ms", "600000", "--shutdown-ms", shutdown_ms];
            scene.start(&[&hangs[..], &hang].concat())
        };
        let wait_for_work = |before| {
            until(Duration::from_secs(30), || {
                let little = audit.finished() < before + 200;
                little.then(|| "work beside the handler that hangs".to_owned())
            });
        };

        let mut member = start("2000");
        wait_for_work(0);
        let asked = Instant::now();
        member.stop(Duration::from_secs(20));
        let took = asked.elapsed();
        println!("{test}: with a timeout of 2 s, ended after {took:?}");
        assert!(took >= Duration::from_secs(2), "it waits: {took:?}");
        // And then it leaves: it does not wait again.
        assert!(took < Duration::from_millis(3_500), "no longer: {took:?}");
        audit.check();

        let mut member = start("600000");
        wait_for_work(audit.finished());
        member.signal("TERM");
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(member.ended(), None, "it waits for the handler");
        let asked = Instant::now();
        member.signal("TERM");
        let status = member.wait(Duration::from_secs(5));
        println!("{test}: {status} {:?} after the second", asked.elapsed());
        assert_eq!(status.code(), Some(143));
        audit.check();

        let produced = load.stop();
        let mut heir = scene.start(&["--ordering", "key", "--config", "session.timeout.ms=6000"]);
        until(Duration::from_secs(90), || {
            let finished = audit.finished();
            let missing = || format!("{} of {produced} events", produced - finished);
            (finished < produced).then(missing)
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        heir.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        ledger.check_order(Lane::Key);
        println!("{test}: {} events came twice", ledger.duplicates());
    }
}
