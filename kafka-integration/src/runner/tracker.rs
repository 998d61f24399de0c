//! The offset watermark of one partition over out-of-order completion.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use self::stragglers::{Straggler, Stragglers};
use crate::commit_record::FailedAttempt;

mod above;
#[cfg(test)]
mod above_tests;
mod stragglers;
#[cfg(test)]
mod tests;

pub(super) use above::Mark;

/// Which delivered messages of a partition are finished.
///
/// Every delivered message gets the next sequence number. Offsets may have
/// holes (compaction, control records, aborted transactions); sequence numbers
/// have none, so a hole costs nothing and never holds the watermark back.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// The latest messages, in order of delivery.
    young: VecDeque<Entry>,
    /// The sequence number of `young[0]`.
    base: u64,
    /// How many of `young` are finished.
    young_finished: usize,
    /// What was delivered before `young` and is not finished: one message that
    /// is stuck costs nothing but itself.
    old: Stragglers,
    /// One past the last offset before `young`; where the group starts, before
    /// anything was delivered.
    floor: Option<i64>,
    /// One past the last delivered offset.
    delivered: Option<i64>,
    /// How many messages were finished.
    finished: u64,
    /// Finished offsets, as the last commit's record has them, that did not come
    /// by yet.
    done: VecDeque<Range<i64>>,
    /// Messages that failed and are not finished, by offset.
    failures: BTreeMap<i64, FailedAttempt>,
    /// How often `failures` changed.
    notes: u64,
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

/// So many messages may be finished behind one that is not before that one is
/// put aside. Well above what handlers that run side by side leave.
const FINISHED_BEHIND: usize = if cfg!(test) { 16 } else { 4_096 };

/// What a delivered message is to the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is to be handled, under this sequence number.
    Handle(u64),
    /// It is finished, or still in the lanes: the client was sent back for
    /// others, or the last commit's record has it.
    Skip,
    /// Its offset is below what was delivered, and nobody sent the client back.
    Backwards,
}

impl Tracker {
    /// Takes note of a delivered message.
    pub(super) fn deliver(&mut self, offset: i64) -> Delivery {
        if self.closed {
            return Delivery::Skip;
        }
        match self.delivered {
            Some(delivered) if offset < delivered => return self.deliver_again(offset),
            Some(_) => {}
            None => self.begin(offset),
        }
        let next = self.base + self.young.len() as u64;
        if let Some(rewind) = self.rewinding.take() {
            self.end_rewind(rewind, next);
        }
        self.delivered = Some(offset + 1);
        let done = !self.done.is_empty() && self.take_done(offset);
        let state = match done {
            true => State::Finished,
            false => State::Unfinished,
        };
        self.young.push_back(Entry { offset, state });
        if done {
            self.young_finished += 1;
            self.advance();
            return Delivery::Skip;
        }
        // Advancing may have moved the base, but not the end.
        Delivery::Handle(next)
    }

    /// Where the group starts counts as committed from now on: without it, an
    /// `auto.offset.reset` would decide again after a crash.
    fn begin(&mut self, offset: i64) {
        if self.floor.is_some_and(|committed| offset < committed) {
            self.forget_record();
        }
        self.floor = Some(offset);
    }

    fn deliver_again(&mut self, offset: i64) -> Delivery {
        let Some(mut rewind) = self.rewinding else {
            return Delivery::Backwards;
        };
        if offset < rewind.from || rewind.last.is_some_and(|last| offset <= last) {
            return Delivery::Backwards;
        }
        let (sequence, found) = self.find(offset);
        self.pass_by(rewind.passed, sequence);
        let state = self.state_mut(sequence).filter(|_| found);
        let delivery = match state {
            Some(state @ State::Returned(_)) => {
                *state = State::Unfinished;
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

    /// The first sequence number that is still kept at that offset or above, and
    /// whether it is at that offset.
    fn find(&self, offset: i64) -> (u64, bool) {
        if self.floor.is_some_and(|floor| offset < floor) {
            return match self.old.at_or_above(offset) {
                Some(found) => (found.sequence, found.offset == offset),
                None => (self.base, false),
            };
        }
        match self.young.binary_search_by_key(&offset, |e| e.offset) {
            Ok(index) => (self.base + index as u64, true),
            Err(index) => (self.base + index as u64, false),
        }
    }

    fn state_mut(&mut self, sequence: u64) -> Option<&mut State> {
        match sequence.checked_sub(self.base) {
            Some(index) => {
                let entry = self.young.get_mut(index as usize);
                entry.map(|entry| &mut entry.state)
            }
            None => {
                let straggler = self.old.get_mut(sequence);
                straggler.map(|straggler| &mut straggler.state)
            }
        }
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
        let rewinds = self.rewinds;
        let gone = |state| matches!(state, State::Returned(rewind) if rewind < rewinds);
        if from < self.base {
            self.finished += self.old.finish_where(from, end, gone) as u64;
        }
        for sequence in from.max(self.base)..end {
            let entry = &mut self.young[(sequence - self.base) as usize];
            if gone(entry.state) {
                entry.state = State::Finished;
                self.young_finished += 1;
                self.finished += 1;
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
    /// after a [`rewind`](Self::begin_rewind).
    pub(super) fn give_back(&mut self, sequences: impl IntoIterator<Item = u64>) {
        for sequence in sequences {
            let rewinds = self.rewinds;
            if let Some(state @ State::Unfinished) = self.state_mut(sequence) {
                *state = State::Returned(rewinds);
            }
        }
    }

    /// The lowest offset that was given back, to which the client must go to
    /// deliver again; `None` when nothing was.
    pub(super) fn lowest_returned(&self) -> Option<i64> {
        let old = self.old.iter().map(|s| (s.offset, s.state));
        let young = self.young.iter().map(|e| (e.offset, e.state));
        let returned = |(_, state): &(i64, State)| matches!(state, State::Returned(_));
        old.chain(young).find(returned).map(|(offset, _)| offset)
    }

    /// The lowest offset that is not finished; `None` when everything is.
    pub(super) fn lowest_unfinished(&self) -> Option<i64> {
        let old = self.old.front().map(|straggler| straggler.offset);
        old.or_else(|| self.young.front().map(|entry| entry.offset))
    }

    /// The client was sent back to [`lowest_returned`](Self::lowest_returned).
    pub(super) fn begin_rewind(&mut self, from: i64) {
        self.rewinds = self.rewinds.wrapping_add(1);
        self.rewinding = Some(Rewind {
            from,
            passed: 0,
            last: None,
        });
    }

    /// Marks a message finished. Without effect after [`close`](Self::close):
    /// that is what keeps work of a lost assignment from being committed.
    pub(super) fn finish(&mut self, sequence: u64) {
        if self.closed {
            return;
        }
        let offset = match sequence.checked_sub(self.base) {
            Some(index) => match self.young.get_mut(index as usize) {
                Some(entry) if entry.state == State::Unfinished => {
                    entry.state = State::Finished;
                    self.young_finished += 1;
                    entry.offset
                }
                _ => return,
            },
            None => match self.old.get_mut(sequence) {
                Some(straggler) if straggler.state == State::Unfinished => {
                    straggler.state = State::Finished;
                    let offset = straggler.offset;
                    self.old.finished();
                    offset
                }
                _ => return,
            },
        };
        self.finished += 1;
        if !self.failures.is_empty() {
            self.failures.remove(&offset);
        }
        self.advance();
    }

    fn advance(&mut self) {
        self.old.clear_up();
        while let Some(entry) = self.young.front().copied() {
            if entry.state == State::Finished {
                self.young_finished -= 1;
            } else if self.holds_up_many() {
                self.old.push(Straggler {
                    sequence: self.base,
                    offset: entry.offset,
                    state: entry.state,
                });
            } else {
                break;
            }
            self.young.pop_front();
            self.floor = Some(entry.offset + 1);
            self.base += 1;
        }
    }

    /// Whether most of `young` is finished, and that is much.
    fn holds_up_many(&self) -> bool {
        self.young_finished > FINISHED_BEHIND && 2 * self.young_finished > self.young.len()
    }

    /// The offset that may be committed: everything delivered below it is
    /// finished. `None` before the first message is delivered, unless the group
    /// had committed one.
    pub(super) fn committable(&self) -> Option<i64> {
        let old = self.old.front().map(|straggler| straggler.offset);
        old.or(self.floor)
    }

    /// Ends the assignment; the watermark stands from here on.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Messages delivered and not finished.
    pub(super) fn unfinished(&self) -> usize {
        self.old.open() + self.young.len() - self.young_finished
    }

    /// How many messages were finished since the assignment.
    pub(super) fn finished(&self) -> u64 {
        self.finished
    }

    /// One past the last delivered offset.
    pub(super) fn position(&self) -> Option<i64> {
        self.delivered
    }
}
