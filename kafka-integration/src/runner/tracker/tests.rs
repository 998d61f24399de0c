use super::*;

pub(super) fn deliver(tracker: &mut Tracker, offset: i64) -> u64 {
    match tracker.deliver(offset) {
        Delivery::Handle(sequence) => sequence,
        other => panic!("offset {offset} is to be handled, not {other:?}"),
    }
}

pub(super) fn rewind(tracker: &mut Tracker, expected: i64) {
    assert_eq!(tracker.lowest_returned(), Some(expected));
    tracker.begin_rewind(expected);
}

fn delivered(offsets: &[i64]) -> (Tracker, Vec<u64>) {
    let mut tracker = Tracker::default();
    let deliver = |offset: &i64| deliver(&mut tracker, *offset);
    let sequences = offsets.iter().map(deliver).collect();
    (tracker, sequences)
}

#[test]
fn the_watermark_never_passes_unfinished_work() {
    let (mut tracker, sequence) = delivered(&[10, 11, 12, 13]);
    tracker.finish(sequence[1]);
    tracker.finish(sequence[3]);
    assert_eq!(tracker.committable(), Some(10), "where it starts");
    assert_eq!((tracker.finished_above(), tracker.unfinished()), (2, 2));
    tracker.finish(sequence[0]);
    assert_eq!(tracker.committable(), Some(12));
    tracker.finish(sequence[2]);
    assert_eq!(tracker.committable(), Some(14));
    assert_eq!((tracker.finished_above(), tracker.unfinished()), (0, 0));
    assert_eq!(tracker.finished(), 4);
}

#[test]
fn holes_in_the_offsets_do_not_hold_it_back() {
    let (mut tracker, sequence) = delivered(&[5, 9_000_000_000, 9_000_000_007]);
    for s in sequence {
        tracker.finish(s);
    }
    assert_eq!(tracker.committable(), Some(9_000_000_008));
}

#[test]
fn finishing_twice_or_after_close_changes_nothing() {
    let (mut tracker, sequence) = delivered(&[1, 2]);
    tracker.finish(sequence[0]);
    tracker.finish(sequence[0]);
    assert_eq!((tracker.committable(), tracker.unfinished()), (Some(2), 1));
    tracker.close();
    tracker.finish(sequence[1]);
    assert_eq!(tracker.committable(), Some(2));
}

#[test]
fn a_step_back_is_noticed() {
    let (mut tracker, _) = delivered(&[7]);
    assert_eq!(tracker.deliver(7), Delivery::Backwards);
    assert_eq!(tracker.deliver(3), Delivery::Backwards);
    deliver(&mut tracker, 8);
}

#[test]
fn what_was_given_back_is_handled_when_it_comes_again_and_nothing_else_is() {
    let (mut tracker, sequence) = delivered(&[1, 2, 3, 4, 5]);
    tracker.finish(sequence[1]);
    tracker.finish(sequence[3]);
    tracker.give_back([sequence[4], sequence[2]]);
    // The client goes on meanwhile, and further ones are given back.
    let sixth = deliver(&mut tracker, 6);
    tracker.give_back([sixth]);
    rewind(&mut tracker, 3);
    assert_eq!(tracker.deliver(3), Delivery::Handle(sequence[2]));
    // 1 is still being handled; 4 is done and comes by again.
    assert_eq!(tracker.deliver(4), Delivery::Skip);
    assert_eq!(tracker.deliver(5), Delivery::Handle(sequence[4]));
    // Given back once more while it came by: it is not gone.
    tracker.give_back([sequence[4]]);
    assert_eq!(tracker.deliver(6), Delivery::Handle(sixth));
    let seventh = deliver(&mut tracker, 7);
    for finished in [sequence[0], sequence[2], sixth, seventh] {
        tracker.finish(finished);
    }
    assert_eq!(tracker.committable(), Some(5));
    assert_eq!(tracker.deliver(2), Delivery::Backwards);
    rewind(&mut tracker, 5);
    assert_eq!(tracker.deliver(5), Delivery::Handle(sequence[4]));
    tracker.finish(sequence[4]);
    assert_eq!(tracker.committable(), Some(8));
}

#[test]
fn what_was_given_back_and_is_gone_does_not_hold_the_watermark() {
    let (mut tracker, sequence) = delivered(&[1, 2, 3, 4]);
    tracker.finish(sequence[0]);
    tracker.give_back([sequence[1], sequence[2], sequence[3]]);
    rewind(&mut tracker, 2);
    // Compaction removed 2 and 4.
    assert_eq!(tracker.deliver(3), Delivery::Handle(sequence[2]));
    tracker.finish(sequence[2]);
    assert_eq!(tracker.committable(), Some(4));
    let fifth = deliver(&mut tracker, 5);
    tracker.finish(fifth);
    assert_eq!(tracker.committable(), Some(6));
}

#[test]
fn a_rewind_is_over_when_the_client_is_where_it_was() {
    let (mut tracker, sequence) = delivered(&[10, 11, 12, 13]);
    tracker.give_back([sequence[2], sequence[3]]);
    rewind(&mut tracker, 12);
    assert_eq!(tracker.deliver(12), Delivery::Handle(sequence[2]));
    assert_eq!(tracker.deliver(13), Delivery::Handle(sequence[3]));
    assert!(!tracker.is_rewinding());
    // The topic is made anew: nothing of it may be skipped.
    assert_eq!(tracker.deliver(0), Delivery::Backwards);
}

#[test]
fn what_comes_below_a_rewind_or_twice_in_it_is_a_step_back() {
    let (mut tracker, sequence) = delivered(&[10, 11, 12, 13]);
    tracker.give_back([sequence[1], sequence[2], sequence[3]]);
    rewind(&mut tracker, 11);
    assert_eq!(tracker.deliver(3), Delivery::Backwards);
    assert_eq!(tracker.deliver(11), Delivery::Handle(sequence[1]));
    assert_eq!(tracker.deliver(11), Delivery::Backwards);
}

#[test]
fn a_rewind_that_brings_nothing_is_repeated_before_anything_is_given_up() {
    let (mut tracker, sequence) = delivered(&[1, 2]);
    tracker.finish(sequence[0]);
    tracker.give_back([sequence[1]]);
    for offset in 3..6 {
        rewind(&mut tracker, 2);
        let later = deliver(&mut tracker, offset);
        tracker.finish(later);
        assert!(tracker.take_repeat());
        assert_eq!(tracker.committable(), Some(2), "2 may still be there");
    }
    rewind(&mut tracker, 2);
    let later = deliver(&mut tracker, 6);
    tracker.finish(later);
    assert!(!tracker.take_repeat());
    assert_eq!(tracker.committable(), Some(7));
}

/// Any order of completion, checked against the definition: at no moment is
/// the watermark above an unfinished offset, and at the end it is the end.
#[test]
fn random_orders_of_completion() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    for _ in 0..200 {
        let mut tracker = Tracker::default();
        let mut open: Vec<(i64, u64)> = Vec::new();
        let mut offset = 0;
        for _ in 0..300 {
            if open.is_empty() || random(2) == 0 {
                offset += 1 + random(3) as i64;
                let sequence = deliver(&mut tracker, offset);
                open.push((offset, sequence));
            } else {
                let (_, sequence) = open.swap_remove(random(open.len()));
                tracker.finish(sequence);
            }
            let lowest = open.iter().map(|(offset, _)| *offset).min();
            if let (Some(lowest), Some(watermark)) = (lowest, tracker.committable()) {
                assert!(watermark <= lowest);
            }
            assert_eq!(tracker.unfinished(), open.len());
        }
        for (_, sequence) in open {
            tracker.finish(sequence);
        }
        assert_eq!(tracker.committable(), Some(offset + 1));
    }
}
