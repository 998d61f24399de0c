//! A member that is stopped for so long that the group gives its partitions to
//! another, and then goes on as if nothing had happened.

use std::time::Duration;

use kafka_integration_tests::{Kind, TestBroker};

use crate::support::{Audit, Lane, Load, Scene, event, heavy, produce, until};

#[test]
fn a_former_owner_commits_nothing_eager() {
    a_former_owner_commits_nothing(
        "a_former_owner_commits_nothing_eager",
        &["session.timeout.ms=1500", "heartbeat.interval.ms=300"],
    );
}

#[test]
fn a_former_owner_commits_nothing_cooperative() {
    a_former_owner_commits_nothing(
        "a_former_owner_commits_nothing_cooperative",
        &[
            "session.timeout.ms=1500",
            "heartbeat.interval.ms=300",
            "partition.assignment.strategy=cooperative-sticky",
        ],
    );
}

#[test]
fn a_former_owner_commits_nothing_consumer_protocol() {
    a_former_owner_commits_nothing(
        "a_former_owner_commits_nothing_consumer_protocol",
        &["group.protocol=consumer"],
    );
}

fn a_former_owner_commits_nothing(test: &str, config: &[&str]) {
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let _alone = heavy();
        let scene = Scene::new(bootstrap, "zombie", 4);
        let audit = Audit::start(&scene);
        let start = |handler_ms| {
            let mut arguments = vec!["--ordering", "key", "--concurrency", "16"];
            arguments.extend(["--handler-ms", handler_ms]);
            for property in config {
                arguments.extend(["--config", property]);
            }
            scene.start(&arguments)
        };
        let load = Load::start(&scene, 1_000, 200);
        // Slow enough to have much in flight.
        let mut zombie = start("40");
        until(Duration::from_secs(30), || {
            (audit.finished() < 300).then(|| "work of the first member".to_owned())
        });
        zombie.signal("STOP");
        let finished = audit.finished();
        let mut heir = start("2");
        // It has all partitions when all of them are committed further.
        let abandoned = scene.committed();
        until(Duration::from_secs(30), || {
            let now = scene.committed();
            let stuck = (0..4).any(|partition| now.get(&partition) <= abandoned.get(&partition));
            stuck.then(|| format!("commits of the heir: {now:?} after {abandoned:?}"))
        });
        zombie.signal("CONT");
        // It is back in the group, or at least has had every chance to do harm.
        until(Duration::from_secs(30), || {
            let gone = zombie.log().contains("partitions revoked");
            (!gone).then(|| "the first member letting its partitions go".to_owned())
        });
        until(Duration::from_secs(30), || {
            let back = zombie.assignments() > 1;
            (!back).then(|| "the first member back in the group".to_owned())
        });
        let produced = load.stop();
        until(Duration::from_secs(60), || {
            let finished = audit.finished();
            let missing = || format!("{} of {produced} events", produced - finished);
            (finished < produced).then(missing)
        });
        until(Duration::from_secs(10), || scene.uncommitted());
        for member in [&mut zombie, &mut heir] {
            member.stop(Duration::from_secs(15));
        }
        let duplicates = audit.finish().duplicates();
        println!("{test}: {duplicates} of {produced} events came twice, stopped at {finished}");
        // What the zombie had taken and not finished is done by both.
        assert!(duplicates <= 2 * 1_000 + 1_024, "{duplicates} duplicates");
    }
}

/// A member loses its partitions and gets them back while a handler of before
/// still runs: that one's message comes again, but not beside it, and what it
/// finishes counts for nothing.
#[test]
fn a_handler_of_a_lost_assignment_is_waited_for() {
    const EVENTS: u64 = 2_000;
    let test = "a_handler_of_a_lost_assignment_is_waited_for";
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let scene = Scene::new(bootstrap, "lost", 2);
        produce(&scene, (0..EVENTS).map(|id| (None, event(id, 20))));
        let audit = Audit::start(&scene);
        let mut arguments = vec!["--ordering", "key", "--concurrency", "16"];
        arguments.extend(["--hang-key", "key-3", "--hang-ms", "10000"]);
        arguments.extend(["--config", "session.timeout.ms=1500"]);
        arguments.extend(["--config", "heartbeat.interval.ms=300"]);
        let mut member = scene.start(&arguments);
        let others = EVENTS - EVENTS / 20;
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < others).then(|| format!("{} other events", others - finished))
        });
        member.signal("STOP");
        until(Duration::from_secs(30), || {
            let members = scene.members();
            (members > 0).then(|| "the group giving its member up".to_owned())
        });
        member.signal("CONT");
        until(Duration::from_secs(30), || {
            let back = member.assignments() > 1;
            (!back).then(|| "the member back in the group".to_owned())
        });
        let hanging = EVENTS / 20;
        assert!(audit.finished() <= EVENTS - hanging, "it hangs no more");
        until(Duration::from_secs(30), || {
            let finished = audit.finished();
            (finished < EVENTS).then(|| format!("{} events", EVENTS - finished))
        });
        until(Duration::from_secs(20), || scene.uncommitted());
        member.stop(Duration::from_secs(10));
        let ledger = audit.finish();
        ledger.check_order(Lane::Key);
        let hung = ledger.entries.iter().filter(|entry| entry.event.id == 3);
        let kinds: Vec<Kind> = hung.map(|entry| entry.kind).collect();
        let once = [Kind::Started, Kind::Finished];
        assert_eq!(kinds, [once, once].concat(), "first it, then again");
        println!("{test}: {} events came twice", ledger.duplicates());
    }
}
