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
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: i64,
    finished: bool,
}

impl Tracker {
    /// Takes note of a delivered message and gives its sequence number. `None`
    /// when the offset is not above the last delivered one.
    pub(super) fn deliver(&mut self, offset: i64) -> Option<u64> {
        if self.delivered.is_some_and(|delivered| offset < delivered) {
            return None;
        }
        self.delivered = Some(offset + 1);
        self.entries.push_back(Entry {
            offset,
            finished: false,
        });
        Some(self.base + self.entries.len() as u64 - 1)
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
            Some(entry) if !entry.finished => entry.finished = true,
            _ => return,
        }
        while let Some(entry) = self.entries.front().filter(|entry| entry.finished) {
            self.watermark = Some(entry.offset + 1);
            self.entries.pop_front();
            self.base += 1;
            self.settled += 1;
        }
    }

    /// The offset that may be committed: everything delivered below it is
    /// finished. `None` before the first message is.
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
        self.entries.iter().filter(|entry| !entry.finished).count()
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

    fn delivered(offsets: &[i64]) -> (Tracker, Vec<u64>) {
        let mut tracker = Tracker::default();
        let sequences = offsets
            .iter()
            .map(|offset| tracker.deliver(*offset).expect("offsets rise"))
            .collect();
        (tracker, sequences)
    }

    #[test]
    fn the_watermark_never_passes_unfinished_work() {
        let (mut tracker, sequence) = delivered(&[10, 11, 12, 13]);
        tracker.finish(sequence[1]);
        tracker.finish(sequence[3]);
        assert_eq!(tracker.committable(), None);
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
        assert_eq!(tracker.deliver(7), None);
        assert_eq!(tracker.deliver(3), None);
        assert!(tracker.deliver(8).is_some());
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
                    let sequence = tracker.deliver(offset).expect("offsets rise");
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
