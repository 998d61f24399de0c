use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::Gathered;
use crate::runner::lanes::{Keep, STANDS_STILL};
use crate::runner::partition::Partition;
use crate::runner::raw::Work;

/// Messages that go in order, or, in the one lane of a partition that has no
/// order, those that don't have to.
pub(super) struct GatherLane {
    pub(super) partition: Arc<Partition>,
    ordered: bool,
    /// A batch takes one message at most: were there a later one in it, that would
    /// be done although the first failed.
    one_at_a_time: bool,
    /// What waits, in order of offset.
    waiting: VecDeque<Gathered>,
    /// Messages in batches, where there is order. None other goes meanwhile.
    running: usize,
    /// Messages that wait for their retry, by their number in the tracker, with
    /// their arrival. Nothing above the lowest goes.
    parked: BTreeMap<u64, u64>,
    /// Messages of it were given back. All later ones must be too, until they are
    /// delivered again, in order.
    pub(super) spilled: bool,
    /// Messages of it that can't be moved away: nothing goes until they are.
    stops: usize,
    progress: Instant,
}

impl GatherLane {
    pub(super) fn new(partition: &Arc<Partition>, ordered: bool) -> Self {
        Self {
            partition: Arc::clone(partition),
            ordered,
            one_at_a_time: ordered && partition.rules.policy.preserve_order,
            stops: 0,
            waiting: VecDeque::new(),
            running: 0,
            parked: BTreeMap::new(),
            spilled: false,
            progress: Instant::now(),
        }
    }

    /// How many of its messages may go: the first so many.
    pub(super) fn open(&self) -> usize {
        if !self.ordered {
            return self.waiting.len();
        }
        if self.running > 0 || self.stops > 0 {
            return 0;
        }
        let open = match self.parked.first_key_value() {
            Some((lowest, _)) => self.waiting.partition_point(|m| m.work.sequence < *lowest),
            None => self.waiting.len(),
        };
        match self.one_at_a_time {
            true => open.min(1),
            false => open,
        }
    }

    /// The arrival of the first message that may go.
    pub(super) fn head(&self) -> Option<u64> {
        let first = self.waiting.front().filter(|_| self.open() > 0)?;
        Some(first.number)
    }

    /// Whether the first message goes in a batch of its own.
    pub(super) fn alone_first(&self) -> bool {
        self.waiting.front().is_some_and(|first| first.alone)
    }

    /// When the first of those that may go is due.
    pub(super) fn earliest(&self) -> Option<Instant> {
        let open = self.waiting.iter().take(self.open());
        open.map(|message| message.due).min()
    }

    pub(super) fn waiting(&self) -> &VecDeque<Gathered> {
        &self.waiting
    }

    /// All its messages.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.running + self.parked.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.len() == 0 && self.stops == 0
    }

    pub(super) fn stands_still(&self, now: Instant) -> bool {
        let held = self.running > 0 && now.saturating_duration_since(self.progress) > STANDS_STILL;
        self.ordered && (!self.parked.is_empty() || self.stops > 0 || held)
    }

    /// Whether one more may wait.
    pub(super) fn has_room(&self, keep: Keep, next: &Work) -> bool {
        let works = self.waiting.iter().map(|message| &message.work);
        keep.count(works.chain([next])) > self.waiting.len()
    }

    pub(super) fn insert(&mut self, mut message: Gathered) {
        if self.ordered && (self.stops > 0 || !self.parked.is_empty()) {
            message.work.detach();
        }
        let sequence = message.work.sequence;
        let at = self.waiting.partition_point(|m| m.work.sequence < sequence);
        self.waiting.insert(at, message);
    }

    /// Takes messages that may go, at most `room`: those that arrived before
    /// `others`, and one at least. One that goes alone is not taken with others.
    pub(super) fn take(
        &mut self,
        others: Option<u64>,
        room: usize,
        batch: &mut Vec<Gathered>,
    ) -> usize {
        let open = self.open().min(room);
        let alone = self.alone_first();
        let later = |m: &Gathered| m.alone || others.is_some_and(|other| m.number > other);
        let run = self.waiting.iter().skip(1).take(open.saturating_sub(1));
        let count = match alone {
            true => open.min(1),
            false => open.min(1) + run.take_while(|m| !later(m)).count(),
        };
        batch.extend(self.waiting.drain(..count));
        count
    }

    /// One that was taken is in a batch.
    pub(super) fn start(&mut self, now: Instant) {
        if self.ordered {
            if self.running == 0 {
                self.progress = now;
            }
            self.running += 1;
        }
    }

    /// One is in a batch no more.
    pub(super) fn finish(&mut self, now: Instant) {
        if self.ordered {
            self.running = self.running.saturating_sub(1);
            self.progress = now;
        }
    }

    pub(super) fn park(&mut self, sequence: u64, number: u64) {
        // Without order nobody waits for it.
        if self.ordered {
            self.parked.insert(sequence, number);
            self.hold();
        }
    }

    /// What waits may wait for long: it must not keep whole fetch buffers alive.
    fn hold(&mut self) {
        self.waiting.iter_mut().for_each(|m| m.work.detach());
    }

    pub(super) fn stop(&mut self) {
        self.stops += 1;
        self.hold();
    }

    pub(super) fn go_on(&mut self, now: Instant) {
        self.stops = self.stops.saturating_sub(1);
        self.progress = now;
    }

    /// The arrival of a message that was parked.
    pub(super) fn unpark(&mut self, sequence: u64, now: Instant) -> Option<u64> {
        self.progress = now;
        self.parked.remove(&sequence)
    }

    /// Removes what waits, but for the first so many.
    pub(super) fn cut(&mut self, kept: usize) -> impl Iterator<Item = Work> + '_ {
        self.waiting.drain(kept..).map(|message| message.work)
    }
}
