//! A long delay, over a restart and a rebalance.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka_integration_tests::{Event, Kind, TestBroker};

use crate::support::{Audit, Member, Scene, heavy, produce, until};

const PARTITIONS: i32 = 4;
const PER_PARTITION: u64 = 25;
const EVENTS: u64 = PER_PARTITION * PARTITIONS as u64;
const DELAY: Duration = Duration::from_secs(20);
const LATE: Duration = Duration::from_secs(1);
/// How much of a core a process may take while it waits.
const MOST_CPU: f64 = 0.03;

/// One message of partition 0 fails once.
fn events() -> impl Iterator<Item = (i32, Event)> {
    (0..EVENTS).map(|id| {
        let partition = (id % PARTITIONS as u64) as i32;
        let sequence = id / PARTITIONS as u64;
        let key = match id {
            0 => "fails".to_owned(),
            _ => format!("key-{partition}"),
        };
        (partition, Event { id, key, sequence })
    })
}

/// In a retry topic, and in its lane, side by side: they wait for the same 20 s.
#[test]
fn a_long_delay_ends_on_time_whatever_happens_meanwhile() {
    let test = "a_long_delay_ends_on_time_whatever_happens_meanwhile";
    for broker in TestBroker::each(test) {
        let _alone = heavy();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                waits(
                    broker.address(),
                    "moved",
                    &["--max-retries", "3"],
                    EVENTS - 1,
                )
            });
            // Its partition waits with it.
            scope.spawn(|| waits(broker.address(), "blocking", &[], EVENTS - PER_PARTITION));
        });
    }
}

/// All but `others` messages wait for the one that fails.
fn waits(bootstrap: &str, name: &str, policy: &[&str], others: u64) {
    let scene = Scene::new(bootstrap, name, PARTITIONS);
    let moved = match policy.is_empty() {
        true => Vec::new(),
        false => vec![scene.retry_topic(1), scene.dead_letter_topic()],
    };
    let audit = Audit::with_moved(&scene, moved);
    produce(&scene, events());
    let delay = DELAY.as_millis().to_string();
    let mut arguments = vec!["--concurrency", "4", "--retry-ms", &delay];
    arguments.extend(["--fail-key", "fails", "--fail-attempts", "1"]);
    arguments.extend(["--config", "session.timeout.ms=2000"]);
    arguments.extend(["--config", "heartbeat.interval.ms=500"]);
    arguments.extend(["--config", "max.poll.interval.ms=6000"]);
    arguments.extend(policy);
    let mut first = scene.start(&arguments);
    until(Duration::from_secs(30), || {
        let finished = audit.finished();
        (finished < others).then(|| format!("{finished} of {others} others"))
    });
    assert_eq!(audit.failures(), 1);
    // What is known of the attempt is committed with the next commit.
    until(Duration::from_secs(5), || {
        scene_settled(&scene, policy.is_empty())
    });
    first.stop(Duration::from_secs(10));

    let mut second = scene.start(&arguments);
    until(Duration::from_secs(15), || {
        (second.assignments() == 0).then(|| "the second process's partitions".to_owned())
    });
    let mut third = scene.start(&arguments);
    until(Duration::from_secs(15), || {
        let assigned = third.assignments() > 0 && second.assignments() > 1;
        (!assigned).then(|| "the third process's partitions".to_owned())
    });
    assert_eq!(audit.finished(), others, "not before it is due");

    // From here on there is nothing to do until it is due.
    let failed = audit.first_failure().expect("one has failed");
    let due = failed + DELAY.as_micros() as u64;
    let idle = Idle::since(&[&second, &third]);
    let until_due = Duration::from_micros(due.saturating_sub(now()));
    println!("{name}: {until_due:?} to wait after restart and rebalance");
    assert!(until_due > Duration::from_secs(4), "too little left to see");
    std::thread::sleep(until_due - Duration::from_secs(1));
    assert_eq!(audit.finished(), others, "not before it is due");
    idle.check(name);

    until(Duration::from_secs(30), || {
        let finished = audit.finished();
        (finished < EVENTS).then(|| format!("{finished} of {EVENTS}"))
    });
    until(Duration::from_secs(10), || scene.uncommitted());
    second.stop(Duration::from_secs(10));
    third.stop(Duration::from_secs(10));
    let ledger = audit.finish();
    let attempts: Vec<_> = ledger
        .entries
        .iter()
        .filter(|entry| entry.event.key == "fails" && entry.kind == Kind::Started)
        .collect();
    let [first, again] = attempts[..] else {
        panic!("{name}: once, and once again: {attempts:#?}");
    };
    assert_eq!((first.attempt, again.attempt), (1, 2), "{name}");
    let waited = Duration::from_micros(again.at - failed);
    println!("{name}: tried again after {waited:?}");
    // The clock of due times counts in milliseconds.
    assert!(
        waited + Duration::from_millis(2) >= DELAY,
        "{name}: {waited:?}"
    );
    assert!(waited <= DELAY + LATE, "{name}: {waited:?}");
    assert_eq!(ledger.duplicates(), 0, "{name}");
}

/// Everything but what waits is committed.
fn scene_settled(scene: &Scene, blocking: bool) -> Option<String> {
    let (committed, mut ends) = (scene.committed(), scene.ends());
    if blocking {
        ends.insert(0, 0);
    }
    let committed_of = |partition: &i32| committed.get(partition).copied().unwrap_or(0);
    let behind = ends
        .iter()
        .any(|(partition, end)| committed_of(partition) != *end);
    behind.then(|| format!("committed {committed:?} of {ends:?}"))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_micros() as u64
}

/// What processes take while they have nothing to do.
struct Idle<'a> {
    members: Vec<(&'a Member, Duration)>,
    since: Instant,
}

impl<'a> Idle<'a> {
    fn since(members: &[&'a Member]) -> Self {
        Self {
            members: members.iter().map(|it| (*it, it.cpu_time())).collect(),
            since: Instant::now(),
        }
    }

    fn check(&self, name: &str) {
        let passed = self.since.elapsed().as_secs_f64();
        for (member, before) in &self.members {
            let share = (member.cpu_time() - *before).as_secs_f64() / passed;
            println!("{name}: {:.2} % of a core while waiting", share * 100.0);
            assert!(share < MOST_CPU, "{name}: it takes {share} of a core");
        }
    }
}
