//! Four members of a group, restarted one after another under load.

use std::time::Duration;

use kafka_integration_tests::TestBroker;

use crate::support::{Audit, Lane, Load, Member, Scene, heavy, until};

const MEMBERS: usize = 4;
const PARTITIONS: i32 = 8;

#[test]
fn restarted_in_turn_eager() {
    restarted_in_turn("restarted_in_turn_eager", &["heartbeat.interval.ms=500"]);
}

#[test]
fn restarted_in_turn_cooperative() {
    restarted_in_turn(
        "restarted_in_turn_cooperative",
        &[
            "heartbeat.interval.ms=500",
            "partition.assignment.strategy=cooperative-sticky",
        ],
    );
}

#[test]
fn restarted_in_turn_consumer_protocol() {
    restarted_in_turn(
        "restarted_in_turn_consumer_protocol",
        &["group.protocol=consumer"],
    );
}

fn restarted_in_turn(test: &str, config: &[&str]) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let _alone = heavy();
        let scene = Scene::new(bootstrap, "rolling", PARTITIONS);
        let audit = Audit::start(&scene);
        let start = || {
            let mut arguments = vec!["--ordering", "key", "--concurrency", "16"];
            arguments.extend(["--handler-ms", "5"]);
            for property in config {
                arguments.extend(["--config", property]);
            }
            scene.start(&arguments)
        };
        let load = Load::start(&scene, 2_000, 200);
        let mut members: Vec<Member> = (0..MEMBERS).map(|_| start()).collect();
        for member in &members {
            wait_for_work(member);
        }
        for round in 0..2 {
            for member in &mut members {
                member.stop(Duration::from_secs(15));
                *member = start();
                wait_for_work(member);
                println!("{test}: round {round}, {} finished", audit.finished());
            }
        }
        let produced = load.stop();
        // Each partition to its end: none is left without progress.
        until(Duration::from_secs(60), || {
            let finished = audit.finished();
            let missing = || format!("{} of {produced} events", produced - finished);
            (finished < produced).then(missing)
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        for member in &mut members {
            member.stop(Duration::from_secs(15));
        }
        let ledger = audit.finish();
        ledger.check_order(Lane::Key);
        assert_eq!(ledger.abandoned(), 0, "what was started is finished");
        let duplicates = ledger.duplicates();
        println!("{test}: {duplicates} of {produced} events came twice");
        // Whoever gives a partition away finishes and commits first.
        assert_eq!(duplicates, 0, "an orderly restart has nothing done again");
    }
}

/// The group has given it partitions, and it works on them.
fn wait_for_work(member: &Member) {
    until(Duration::from_secs(30), || {
        let journal = std::fs::metadata(&member.journal).expect("its journal");
        let idle = journal.len() == 0;
        idle.then(|| format!("work of process {}", member.id()))
    });
}
