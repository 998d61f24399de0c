use std::collections::{BTreeMap, BTreeSet};

use super::tests::{deliver, rewind};
use super::*;
use crate::commit_record::{BROKERS_LIMIT, Record};

const ROOMY: usize = 1 << 20;

/// What a later assignment reads of a commit made now.
fn commit(tracker: &Tracker, limit: usize) -> (i64, Record) {
    let committed = tracker.committable().expect("something was delivered");
    let text = tracker.write_record(limit).text;
    assert!(text.len() <= limit);
    let record = match text.is_empty() {
        true => Record::default(),
        false => Record::decode(&text, committed).expect("a record"),
    };
    (committed, record)
}

fn resumed(commit: (i64, Record)) -> Tracker {
    let mut tracker = Tracker::default();
    tracker.resume(commit.0, commit.1);
    tracker
}

fn random() -> impl FnMut(usize) -> usize {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    }
}

#[test]
fn a_message_that_is_stuck_costs_nothing_but_itself() {
    let mut tracker = Tracker::default();
    let stuck: Vec<_> = (0..3).map(|offset| deliver(&mut tracker, offset)).collect();
    for offset in 3..1_000_000 {
        let sequence = deliver(&mut tracker, offset);
        tracker.finish(sequence);
    }
    assert!(tracker.young.len() <= FINISHED_BEHIND + 1);
    assert!(tracker.young.capacity() <= 4 * FINISHED_BEHIND);
    assert_eq!((tracker.old.open(), tracker.unfinished()), (3, 3));
    assert_eq!(tracker.finished_above(), 999_997);
    assert_eq!(tracker.committable(), Some(0));
    let written = tracker.write_record(BROKERS_LIMIT);
    assert!(written.text.len() < 40, "{}", written.text);
    assert_eq!(written.left_out, 0);
    tracker.finish(stuck[1]);
    tracker.finish(stuck[0]);
    assert_eq!(tracker.committable(), Some(2));
    tracker.finish(stuck[2]);
    assert_eq!(tracker.committable(), Some(1_000_000));
    assert_eq!(tracker.write_record(BROKERS_LIMIT).text, "");
}

#[test]
fn what_the_record_has_is_not_handled_again() {
    let mut tracker = Tracker::default();
    let sequences: Vec<_> = [10, 11, 13, 14, 15]
        .map(|offset| deliver(&mut tracker, offset))
        .to_vec();
    tracker.finish(sequences[1]);
    tracker.finish(sequences[2]);
    tracker.finish(sequences[4]);
    let mut next = resumed(commit(&tracker, BROKERS_LIMIT));
    assert_eq!(next.committable(), Some(10));
    let tenth = deliver(&mut next, 10);
    assert_eq!(next.deliver(11), Delivery::Skip);
    // It was not there then: it is counted in the run it lies in.
    assert_eq!(next.deliver(12), Delivery::Skip);
    // Not all of it has come by: the rest of the record is still said.
    assert_eq!(
        commit(&next, BROKERS_LIMIT),
        commit(&tracker, BROKERS_LIMIT)
    );
    assert_eq!(next.deliver(13), Delivery::Skip);
    let fourteenth = deliver(&mut next, 14);
    assert_eq!(next.deliver(15), Delivery::Skip);
    let sixteenth = deliver(&mut next, 16);
    assert_eq!(next.finished(), 0, "nothing new to commit");
    next.finish(tenth);
    assert_eq!(next.committable(), Some(14));
    next.finish(fourteenth);
    assert_eq!(next.committable(), Some(16));
    next.finish(sixteenth);
    assert_eq!(next.committable(), Some(17));
}

#[test]
fn a_first_message_below_the_commit_makes_the_record_void() {
    let (mut tracker, failed) = (Tracker::default(), failed(1));
    let stuck = deliver(&mut tracker, 10);
    tracker.note_failure(stuck, failed);
    let next = deliver(&mut tracker, 11);
    tracker.finish(next);
    let mut anew = resumed(commit(&tracker, BROKERS_LIMIT));
    deliver(&mut anew, 9);
    deliver(&mut anew, 10);
    deliver(&mut anew, 11);
    assert_eq!(anew.committable(), Some(9));
    assert_eq!(anew.remembered(10), None);
}

#[test]
fn what_is_gone_at_the_commit_does_not_hold_the_watermark() {
    let mut tracker = Tracker::default();
    deliver(&mut tracker, 10);
    for offset in [11, 12] {
        let sequence = deliver(&mut tracker, offset);
        tracker.finish(sequence);
    }
    let mut next = resumed(commit(&tracker, BROKERS_LIMIT));
    // Compaction removed 10 and 11.
    assert_eq!(next.deliver(12), Delivery::Skip);
    assert_eq!(next.committable(), Some(13));
}

fn failed(attempts: u32) -> FailedAttempt {
    FailedAttempt {
        attempts,
        first_failure_ms: 1_000 * i64::from(attempts),
        due_ms: 1_000 * i64::from(attempts) + 60_000,
    }
}

#[test]
fn failures_are_remembered_until_the_message_is_finished() {
    let mut tracker = Tracker::default();
    let stuck = deliver(&mut tracker, 5);
    assert_eq!(tracker.remembered(5), None);
    tracker.note_failure(stuck, failed(1));
    let before = tracker.mark();
    tracker.note_failure(stuck, failed(2));
    assert_ne!(tracker.mark(), before, "there is something to commit");
    for offset in 6..1_000 {
        let sequence = deliver(&mut tracker, offset);
        tracker.finish(sequence);
    }
    // It is among the stragglers by now.
    tracker.note_failure(stuck, failed(3));
    let known = FailedAttempt {
        first_failure_ms: 1_000,
        ..failed(3)
    };
    assert_eq!(tracker.remembered(5), Some(known));
    let mut next = resumed(commit(&tracker, BROKERS_LIMIT));
    assert_eq!(next.remembered(5), Some(known));
    let stuck = deliver(&mut next, 5);
    next.note_failure(stuck, failed(4));
    assert_eq!(next.remembered(5).map(|f| f.first_failure_ms), Some(1_000));
    next.finish(stuck);
    assert_eq!(next.remembered(5), None);
}

#[test]
fn a_closed_one_takes_and_commits_nothing() {
    let mut tracker = Tracker::default();
    tracker.close();
    assert_eq!(tracker.deliver(5), Delivery::Skip);
    assert_eq!(tracker.committable(), None);
}

#[test]
fn stragglers_are_given_back_and_delivered_again() {
    let mut tracker = Tracker::default();
    let stuck = [1, 2, 3].map(|offset| deliver(&mut tracker, offset));
    tracker.give_back([stuck[1]]);
    for offset in 4..200 {
        let sequence = deliver(&mut tracker, offset);
        tracker.finish(sequence);
    }
    tracker.give_back([stuck[2]]);
    assert_eq!(tracker.old.open(), 3);
    rewind(&mut tracker, 2);
    assert_eq!(tracker.deliver(2), Delivery::Handle(stuck[1]));
    // Compaction removed 3.
    assert_eq!(tracker.deliver(4), Delivery::Skip);
    assert_eq!(tracker.unfinished(), 2);
    tracker.finish(stuck[0]);
    tracker.finish(stuck[1]);
    assert_eq!(tracker.committable(), Some(200));
    assert_eq!(tracker.deliver(199), Delivery::Skip);
    assert!(!tracker.is_rewinding());
}

/// Any order of completion, given back now and then, checked against the
/// definition.
#[test]
fn the_record_says_what_is_finished_and_nothing_else() {
    let mut random = random();
    for round in 0..60 {
        let mut tracker = Tracker::default();
        // Offset to sequence.
        let mut open = BTreeMap::new();
        let mut returned = BTreeSet::new();
        let mut finished = BTreeSet::new();
        let mut offset = 0;
        for _ in 0..600 {
            match random(8) {
                0..4 => {
                    offset += 1 + random(2) as i64;
                    open.insert(offset, deliver(&mut tracker, offset));
                }
                4 if !open.is_empty() && random(10) == 0 => {
                    let offset = *open.keys().nth(random(open.len())).expect("one");
                    tracker.give_back([open[&offset]]);
                    open.remove(&offset);
                    returned.insert(offset);
                }
                5 if random(50) == 0 => {
                    if let Some(lowest) = tracker.lowest_returned() {
                        assert_eq!(returned.first(), Some(&lowest));
                        tracker.begin_rewind(lowest);
                        let known = open.keys().chain(&returned).chain(&finished);
                        let again: BTreeSet<i64> = known.copied().collect();
                        for offset in again.range(lowest..) {
                            let delivery = tracker.deliver(*offset);
                            match returned.remove(offset) {
                                true => {
                                    let Delivery::Handle(sequence) = delivery else {
                                        panic!("{offset} was given back: {delivery:?}");
                                    };
                                    open.insert(*offset, sequence);
                                }
                                false => assert_eq!(delivery, Delivery::Skip),
                            }
                        }
                    }
                }
                _ if !open.is_empty() => {
                    // In some rounds the first ones are left behind.
                    let stuck = (round % 5).min(open.len() - 1);
                    let place = stuck + random(open.len() - stuck);
                    let offset = *open.keys().nth(place).expect("one");
                    tracker.finish(open[&offset]);
                    open.remove(&offset);
                    finished.insert(offset);
                }
                _ => continue,
            }
            let Some(watermark) = tracker.committable() else {
                continue;
            };
            let lowest = open.keys().chain(&returned).min();
            assert!(lowest.is_none_or(|lowest| watermark <= *lowest));
            assert_eq!(tracker.unfinished(), open.len() + returned.len());
            let above: BTreeSet<i64> = finished.range(watermark..).copied().collect();
            assert_eq!(tracker.finished_above(), above.len() as u64);
            let done = |record: &Record| -> BTreeSet<i64> {
                record.done.iter().cloned().flatten().collect()
            };
            let (_, record) = commit(&tracker, ROOMY);
            let said = done(&record);
            assert!(said.is_superset(&above));
            assert!(
                open.keys()
                    .chain(&returned)
                    .all(|open| !said.contains(open))
            );
            // With little room, from the bottom up.
            let limit = random(100);
            let left_out = tracker.write_record(limit).left_out;
            let said = done(&commit(&tracker, limit).1);
            assert_eq!(above.difference(&said).count() as u64, left_out);
        }
    }
}

/// Killed again and again, with a commit just before: nothing is handled twice,
/// and everything is handled.
#[test]
fn a_chain_of_records_loses_and_repeats_nothing() {
    let mut random = random();
    for _ in 0..30 {
        let mut log = vec![0_i64];
        for _ in 0..1_500 {
            log.push(log[log.len() - 1] + 1 + (random(10) == 0) as i64);
        }
        let mut handled = BTreeSet::new();
        let mut last = (0, Record::default());
        for process in 0..12 {
            let mut tracker = resumed(last);
            let from = tracker.committable().expect("it was resumed");
            let mut open = Vec::new();
            let most = if process == 11 {
                log.len()
            } else {
                400 + 100 * process
            };
            for offset in log[..most.min(log.len())].iter().filter(|o| **o >= from) {
                if let Delivery::Handle(sequence) = tracker.deliver(*offset) {
                    assert!(!handled.contains(offset), "{offset} again");
                    open.push((*offset, sequence));
                }
                if !open.is_empty() && random(2) == 0 {
                    // Mostly the latest: the first ones are stuck.
                    let place = open.len() - 1 - random(open.len().min(4));
                    let (offset, sequence) = open.remove(place);
                    tracker.finish(sequence);
                    handled.insert(offset);
                }
                if random(200) == 0 && process != 11 {
                    break;
                }
            }
            if process == 11 {
                for (offset, sequence) in open {
                    tracker.finish(sequence);
                    handled.insert(offset);
                }
            }
            last = commit(&tracker, ROOMY);
        }
        assert_eq!(handled.len(), log.len());
        assert_eq!(last, (log[log.len() - 1] + 1, Record::default()));
    }
}
