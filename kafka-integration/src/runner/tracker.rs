//! The offset watermark of one partition over out-of-order completion.

use std::collections::VecDeque;

/// Which delivered messages of a partition are finished.
///
/// Every delivered message gets the next sequence number. Offsets may have
/// holes (compaction, control records, aborted transactions); sequence numbers
/// have none, so a hole costs nothing and never holds the watermark back.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// From the lowest unfinished message up, in order of delivery.
    entries: VecDeque<Entry>,
    /// The sequence number of `entries[0]`.
    base: u64,
    /// One past the last offset below which everything delivered is finished.
    watermark: Option<i64>,
    /// One past the last delivered offset.
    delivered: Option<i64>,
    /// How many messages have fallen below the watermark.
    settled: u64,
    /// How often the client was sent back to deliver again.
    rewinds: u32,
    rewinding: Option<Rewind>,
    /// How many rewinds in a row brought nothing.
    fruitless: u32,
    /// The last rewind brought nothing and should be repeated.
    repeat: bool,
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: i64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// With the lanes.
    Unfinished,
    /// Handled.
    Finished,
    /// Given back, to be delivered again after the so-manieth rewind.
    Returned(u32),
}

/// The client was sent back and delivers again.
#[derive(Debug, Clone, Copy)]
struct Rewind {
    /// Where it was sent to.
    from: i64,
    /// The sequence number up to which it has come by.
    passed: u64,
    /// The last offset it delivered.
    last: Option<i64>,
}

/// So many rewinds in a row may bring nothing before what was given back is
/// taken to be gone from the broker.
const FRUITLESS_REWINDS: u32 = 3;

/// What a delivered message is to the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is to be handled, under this sequence number.
    Handle(u64),
    /// It comes again because the client was sent back for others, and is
    /// handled already or still in the lanes.
    Skip,
    /// Its offset is below what was delivered, and nobody sent the client back.
    Backwards,
}

impl Tracker {
    /// Takes note of a delivered message.
    pub(super) fn deliver(&mut self, offset: i64) -> Delivery {
        let next = self.base + self.entries.len() as u64;
        if self.delivered.is_some_and(|delivered| offset < delivered) {
            return self.deliver_again(offset);
        }
        if let Some(rewind) = self.rewinding.take() {
            self.end_rewind(rewind, next);
        }
        // Where the group starts counts as committed from now on: without it, an
        // `auto.offset.reset` would decide again after a crash.
        self.watermark.get_or_insert(offset);
        self.delivered = Some(offset + 1);
        self.entries.push_back(Entry {
            offset,
            state: State::Unfinished,
        });
        // Advancing may have moved the base, but not the end.
        Delivery::Handle(next)
    }

    fn deliver_again(&mut self, offset: i64) -> Delivery {
        let Some(mut rewind) = self.rewinding else {
            return Delivery::Backwards;
        };
        if offset < rewind.from || rewind.last.is_some_and(|last| offset <= last) {
            return Delivery::Backwards;
        }
        let found = self.entries.binary_search_by_key(&offset, |e| e.offset);
        let sequence = self.base + found.unwrap_or_else(|index| index) as u64;
        self.pass_by(rewind.passed, sequence);
        let returned = |state| matches!(state, State::Returned(_));
        let delivery = match found {
            Ok(index) if returned(self.entries[index].state) => {
                self.entries[index].state = State::Unfinished;
                Delivery::Handle(sequence)
            }
            _ => Delivery::Skip,
        };
        rewind.passed = rewind.passed.max(sequence);
        rewind.last = Some(offset);
        self.fruitless = 0;
        // With the last one delivered before, the client is where it was.
        let over = Some(offset + 1) == self.delivered;
        self.rewinding = (!over).then_some(rewind);
        self.advance();
        delivery
    }

    /// The client is past everything it delivered before.
    fn end_rewind(&mut self, rewind: Rewind, next: u64) {
        if rewind.last.is_none() && self.fruitless < FRUITLESS_REWINDS {
            // Not one came by: more likely it was not sent back at all.
            self.fruitless += 1;
            self.repeat = true;
            return;
        }
        self.fruitless = 0;
        self.pass_by(rewind.passed, next);
        self.advance();
    }

    /// The client has come to `end`. What was given back before it was sent back
    /// and did not come by is gone: compaction or retention removed it
    /// meanwhile, and nothing is left to be done.
    fn pass_by(&mut self, from: u64, end: u64) {
        for sequence in from.max(self.base)..end {
            let entry = &mut self.entries[(sequence - self.base) as usize];
            if matches!(entry.state, State::Returned(rewind) if rewind < self.rewinds) {
                entry.state = State::Finished;
            }
        }
    }

    /// Whether the last rewind brought nothing and should be repeated; from here
    /// on it is not.
    pub(super) fn take_repeat(&mut self) -> bool {
        std::mem::take(&mut self.repeat)
    }

    /// Whether the client is delivering again.
    pub(super) fn is_rewinding(&self) -> bool {
        self.rewinding.is_some()
    }

    /// Takes note that messages are not handled now and must be delivered again
    /// after a [`rewind`](Self::rewind).
    pub(super) fn give_back(&mut self, sequences: impl IntoIterator<Item = u64>) {
        for sequence in sequences {
            let index = sequence.checked_sub(self.base);
            let entry = index.and_then(|index| self.entries.get_mut(index as usize));
            if let Some(entry) = entry.filter(|entry| entry.state == State::Unfinished) {
                entry.state = State::Returned(self.rewinds);
            }
        }
    }

    /// The lowest offset that was given back, to which the client must go to
    /// deliver again; `None` when nothing was.
    pub(super) fn lowest_returned(&self) -> Option<i64> {
        let returned = |entry: &&Entry| matches!(entry.state, State::Returned(_));
        self.entries.iter().find(returned).map(|entry| entry.offset)
    }

    /// The lowest offset that is not finished; `None` when everything is.
    pub(super) fn lowest_unfinished(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.offset)
    }

    /// The client was sent back to [`lowest_returned`](Self::lowest_returned).
    pub(super) fn begin_rewind(&mut self, from: i64) {
        self.rewinds = self.rewinds.wrapping_add(1);
        self.rewinding = Some(Rewind {
            from,
            passed: self.base,
            last: None,
        });
    }

    /// Marks a message finished. Without effect after [`close`](Self::close):
    /// that is what keeps work of a lost assignment from being committed.
    pub(super) fn finish(&mut self, sequence: u64) {
        if self.closed {
            return;
        }
        let Some(index) = sequence.checked_sub(self.base) else {
            return;
        };
        match self.entries.get_mut(index as usize) {
            Some(entry) if entry.state == State::Unfinished => entry.state = State::Finished,
            _ => return,
        }
        self.advance();
    }

    fn advance(&mut self) {
        let finished = |entry: &&Entry| entry.state == State::Finished;
        while let Some(entry) = self.entries.front().filter(finished) {
            self.watermark = Some(entry.offset + 1);
            self.entries.pop_front();
            self.base += 1;
            self.settled += 1;
        }
    }

    /// The offset that may be committed: everything delivered below it is
    /// finished. `None` before the first message is delivered.
    pub(super) fn committable(&self) -> Option<i64> {
        self.watermark
    }

    /// Ends the assignment; the watermark stands from here on.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Messages between the watermark and the last delivered one: unfinished,
    /// or finished out of order.
    pub(super) fn window(&self) -> usize {
        self.entries.len()
    }

    /// Messages delivered and not finished.
    #[cfg(test)]
    fn unfinished(&self) -> usize {
        let finished = |entry: &&Entry| entry.state != State::Finished;
        self.entries.iter().filter(finished).count()
    }

    /// How many messages have fallen below the watermark since the assignment.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// One past the last delivered offset.
    pub(super) fn position(&self) -> Option<i64> {
        self.delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(tracker: &mut Tracker, offset: i64) -> u64 {
        match tracker.deliver(offset) {
            Delivery::Handle(sequence) => sequence,
            other => panic!("offset {offset} is to be handled, not {other:?}"),
        }
    }

    fn rewind(tracker: &mut Tracker, expected: i64) {
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
        assert_eq!((tracker.window(), tracker.unfinished()), (4, 2));
        tracker.finish(sequence[0]);
        assert_eq!(tracker.committable(), Some(12));
        tracker.finish(sequence[2]);
        assert_eq!(tracker.committable(), Some(14));
        assert_eq!(tracker.window(), 0);
        assert_eq!(tracker.settled(), 4);
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
}
