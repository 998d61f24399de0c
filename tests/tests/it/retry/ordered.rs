use std::collections::HashMap;

use kafka_integration_tests::{Entry, Fate, Kind};

use super::run::{MAX_RETRIES, Run, event_of};
use crate::support::{KillableBroker, Ledger, heavy};

/// With `preserve_order`: no message of a key is begun before the ones before
/// it are handled or given up, retries, kills, restarts and rebalances included.
#[test]
fn no_message_overtakes_a_failed_one_of_its_key() {
    let test = "no_message_overtakes_a_failed_one_of_its_key";
    let _alone = heavy();
    for start in KillableBroker::each(test) {
        let run = Run {
            name: "ordered",
            events: 25_000,
            levels: 0,
            // So that each kill is two rebalances of the other one.
            members: 2,
            arguments: &["--retry-ms", "100", "--preserve-order"],
        };
        let mut broker = start();
        let outcome = run.on(&mut broker);
        outcome.check();
        check_order(&outcome.ledger);
    }
}

fn check_order(ledger: &Ledger) {
    let mut entries: Vec<&Entry> = ledger.entries.iter().collect();
    // Stable: what one process wrote stays in its order.
    entries.sort_by_key(|entry| entry.at);
    let mut next: HashMap<&str, u64> = HashMap::new();
    let mut running: HashMap<(u32, &str), &Entry> = HashMap::new();
    for entry in entries {
        let (key, place) = (&*entry.event.key, entry.event.sequence);
        let next = next.entry(key).or_default();
        // No handler sees what can't be decoded.
        while Fate::of(event_of(key, *next)) == Fate::Undecodable {
            *next += 1;
        }
        if entry.kind == Kind::Started {
            assert!(
                place <= *next,
                "{entry:?} was begun before {next} had ended"
            );
            let other = running.insert((entry.process, key), entry);
            assert!(other.is_none(), "at a time: {other:?} and {entry:?}");
            continue;
        }
        running.remove(&(entry.process, key));
        if entry.kind == Kind::Finished || is_given_up(entry) {
            *next = (*next).max(place + 1);
        }
    }
}

/// Whether this failure is the message's last one.
fn is_given_up(entry: &Entry) -> bool {
    match Fate::of(entry.event.id) {
        Fate::Terminal => true,
        Fate::Hopeless => entry.attempt == MAX_RETRIES + 1,
        _ => false,
    }
}
