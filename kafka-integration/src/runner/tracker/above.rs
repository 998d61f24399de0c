//! What is finished above the watermark: what a commit's record says of it, and
//! what the record of an earlier one said.

use super::{State, Tracker};
use crate::commit_record::{Encoder, FailedAttempt, Record};

/// The state a record was made of: it is the same as long as this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runner) struct Mark {
    watermark: Option<i64>,
    finished: u64,
    notes: u64,
}

/// A commit's metadata.
#[derive(Debug, Clone, Default)]
pub(in crate::runner) struct Written {
    /// Empty when there is nothing to say.
    pub(in crate::runner) text: String,
    /// How many finished messages above the watermark it does not cover.
    pub(in crate::runner) left_out: u64,
}

impl Tracker {
    /// Goes on where a commit left off: what its record says is finished is not
    /// handled again. To be called before anything is delivered.
    pub(in crate::runner) fn resume(&mut self, committed: i64, record: Record) {
        self.floor = Some(committed);
        self.done = record.done.into();
        self.failures = record.failures;
    }

    /// The client does not go on from the commit: whatever its record said is
    /// about other messages.
    pub(super) fn forget_record(&mut self) {
        self.done.clear();
        self.failures.clear();
        self.notes += 1;
    }

    /// Whether the record says that this offset, above all delivered before, is
    /// finished.
    pub(super) fn take_done(&mut self, offset: i64) -> bool {
        while let Some(range) = self.done.front() {
            if offset < range.end {
                return offset >= range.start;
            }
            self.done.pop_front();
        }
        false
    }

    /// A message failed and is to be tried again. Its first failure is the
    /// earliest that is known.
    pub(in crate::runner) fn note_failure(&mut self, sequence: u64, failed: FailedAttempt) {
        if self.closed {
            return;
        }
        let offset = match sequence.checked_sub(self.base) {
            Some(index) => self.young.get(index as usize).map(|entry| entry.offset),
            None => self.old.get(sequence).map(|straggler| straggler.offset),
        };
        let Some(offset) = offset else {
            return;
        };
        self.notes += 1;
        let known = self.failures.entry(offset).or_insert(failed);
        *known = FailedAttempt {
            first_failure_ms: known.first_failure_ms.min(failed.first_failure_ms),
            ..failed
        };
    }

    /// What is known of a message's failures, also from before a restart or a
    /// rebalance; `None` when it did not fail yet.
    pub(in crate::runner) fn remembered(&self, offset: i64) -> Option<FailedAttempt> {
        if self.failures.is_empty() {
            return None;
        }
        self.failures.get(&offset).copied()
    }

    /// Finished messages above the watermark.
    pub(in crate::runner) fn finished_above(&self) -> u64 {
        let among_old = self.old.front().map_or(0, |lowest| {
            self.base - lowest.sequence - self.old.open() as u64
        });
        among_old + self.young_finished as u64
    }

    pub(in crate::runner) fn mark(&self) -> Mark {
        Mark {
            watermark: self.committable(),
            finished: self.finished,
            notes: self.notes,
        }
    }

    /// The metadata for a commit of the watermark, in at most `limit` bytes.
    pub(in crate::runner) fn write_record(&self, limit: usize) -> Written {
        let above = self.finished_above();
        let nothing = above == 0 && self.done.is_empty() && self.failures.is_empty();
        let Some(watermark) = self.committable().filter(|_| !nothing) else {
            return Written::default();
        };
        let mut encoder = Encoder::new(watermark, &self.failures, limit);
        let mut covered = 0;
        self.runs(watermark, |run| {
            let fits = encoder.push(run.open_until, run.done_until);
            covered += if fits { run.messages } else { 0 };
            fits
        });
        Written {
            text: encoder.finish(),
            left_out: above - covered,
        }
    }

    /// Tells what is finished above the watermark, from the bottom up, for as
    /// long as `take` returns `true`.
    fn runs(&self, watermark: i64, mut take: impl FnMut(Run) -> bool) {
        let old = self.old.iter().map(|s| (s.sequence, s.offset));
        let young = (self.base..).zip(&self.young);
        let young = young
            .filter(|(_, entry)| entry.state != State::Finished)
            .map(|(sequence, entry)| (sequence, entry.offset));
        let mut left = self.finished_above();
        let delivered = self.delivered.unwrap_or(watermark);
        let mut open_until = watermark;
        let mut next = None;
        for (sequence, offset) in old.chain(young) {
            let messages = next.map_or(0, |next| sequence - next);
            let run = Run {
                open_until,
                done_until: offset,
                messages,
            };
            if messages > 0 && !take(run) {
                return;
            }
            left -= messages;
            if left == 0 {
                // Nothing that was delivered above is finished.
                open_until = delivered;
                break;
            }
            open_until = offset + 1;
            next = Some(sequence + 1);
        }
        let run = Run {
            open_until,
            done_until: delivered,
            messages: left,
        };
        if left > 0 && !take(run) {
            return;
        }
        // What the record of the last commit said, and did not come by yet.
        for range in self.done.iter().filter(|range| range.end > delivered) {
            let run = Run {
                open_until: range.start.max(delivered),
                done_until: range.end,
                messages: 0,
            };
            if !take(run) {
                return;
            }
        }
    }
}

/// Offsets that are open, and then some that are done.
#[derive(Debug, Clone, Copy)]
struct Run {
    open_until: i64,
    done_until: i64,
    /// How many delivered messages the done ones are.
    messages: u64,
}
