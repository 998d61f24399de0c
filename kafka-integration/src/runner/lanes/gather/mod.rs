//! Messages of one topic that wait to be handled together, across partitions.
//!
//! Those that must be handled in order stand in one lane, as elsewhere: a
//! partition, or a key of it. A batch may take several of a lane, in order; while
//! it holds any, no other batch takes from that lane.

mod lane;
mod leaving;
mod message;
#[cfg(test)]
mod tests;
mod unread;

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHasher};

use self::lane::GatherLane;
pub(in crate::runner) use self::message::{Gathered, Parking, Read};
use self::unread::Unread;
use super::{Keep, Lane};
use crate::consumer::Ordering;
use crate::runner::partition::Partition;
use crate::runner::raw::Work;
use crate::topic::BatchPolicy;

/// A clock can't be asked for any time.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3_600);

/// The most messages that are decoded at a time.
const MOST_READ: usize = 1_024;

/// A lane of a partition's generation.
type LaneId = (u64, Lane);

pub(super) struct Gather {
    policy: BatchPolicy,
    ordering: Ordering,
    /// How much may wait in a key that stands still.
    may_wait: Keep,
    unread: Unread,
    /// A worker decodes. One at a time: order must not depend on who is faster.
    reading: bool,
    /// Generations that were rewound meanwhile.
    stale: Vec<u64>,
    lanes: FxHashMap<LaneId, GatherLane>,
    /// The lanes that have a message which may go, by its arrival.
    heads: BTreeMap<u64, LaneId>,
    /// How many messages may go.
    open: usize,
    /// When the first of them is due; `Err` when that has to be looked up.
    earliest: Result<Option<Instant>, ()>,
    /// There is no room for more messages: waiting for them would be in vain.
    pressed: bool,
    next_number: u64,
}

impl Gather {
    pub(super) fn new(policy: BatchPolicy, ordering: Ordering, may_wait: Keep) -> Self {
        Self {
            policy: BatchPolicy {
                linger: policy.linger.min(LONGEST_WAIT),
                ..policy
            },
            ordering,
            may_wait,
            unread: Unread::default(),
            reading: false,
            stale: Vec::new(),
            lanes: FxHashMap::default(),
            heads: BTreeMap::new(),
            open: 0,
            earliest: Ok(None),
            pressed: false,
            next_number: 0,
        }
    }

    /// Queues messages to be decoded. Those left in `works` are to be given back.
    pub(super) fn push(&mut self, partition: &Arc<Partition>, works: &mut Vec<Work>, now: Instant) {
        let mut spilled = Vec::new();
        for mut work in works.drain(..) {
            work.lane = self.lane_of(&work);
            let lane = self.lanes.get(&(partition.generation(), work.lane));
            if lane.is_some_and(|lane| lane.spilled) {
                spilled.push(work);
                continue;
            }
            self.unread.push(Gathered {
                partition: Arc::clone(partition),
                work,
                value: None,
                due: now + self.policy.linger,
                alone: false,
                number: self.next_number,
            });
            self.next_number += 1;
        }
        works.append(&mut spilled);
    }

    fn lane_of(&self, work: &Work) -> Lane {
        match self.ordering {
            Ordering::Partition => Some(0),
            Ordering::Key => {
                let mut hasher = FxHasher::default();
                hasher.write(work.message.key()?);
                Some(hasher.finish())
            }
            Ordering::None => None,
        }
    }

    /// How many workers would find something to do.
    pub(super) fn ready(&mut self, now: Instant) -> usize {
        let reading = !self.reading && self.unread.has(|partition| self.wants(partition));
        let reading = usize::from(reading);
        if !self.goes(now) {
            return reading;
        }
        let (full, rest) = (self.open / self.policy.max, self.open % self.policy.max);
        let last = rest > 0 && (full == 0 || rest >= self.policy.min || self.pressed);
        reading + full + usize::from(last)
    }

    /// Whether a batch is to go.
    fn goes(&mut self, now: Instant) -> bool {
        self.open > 0
            && (self.open >= self.policy.min
                || self.pressed
                || self.earliest().is_some_and(|due| due <= now))
    }

    /// When the first message that may go is due; `None` when there is none.
    pub(super) fn earliest(&mut self) -> Option<Instant> {
        if let Ok(known) = self.earliest {
            return known;
        }
        let lanes = self.heads.values().filter_map(|id| self.lanes.get(id));
        let earliest = lanes.filter_map(GatherLane::earliest).min();
        self.earliest = Ok(earliest);
        earliest
    }

    /// When to look again, if nothing happens until then.
    pub(super) fn next_look(&mut self, now: Instant) -> Option<Instant> {
        // What goes already is for the workers, who look by themselves.
        match self.goes(now) {
            true => None,
            false => self.earliest(),
        }
    }

    /// There is no room for more messages, or (`false`) there is again.
    pub(super) fn press(&mut self, pressed: bool) {
        self.pressed = pressed;
    }

    /// Takes messages to be decoded, which are to come back by
    /// [`read`](Self::read).
    pub(super) fn take_unread(&mut self) -> Option<Vec<Gathered>> {
        if self.reading {
            return None;
        }
        let mut unread = std::mem::take(&mut self.unread);
        let most = self.policy.max.clamp(1, MOST_READ);
        let taken = unread.take(most, |partition| self.wants(partition));
        self.unread = unread;
        self.reading = !taken.is_empty();
        self.reading.then_some(taken)
    }

    /// Whether more messages of that partition should be decoded: not while they
    /// would only wait behind others.
    fn wants(&self, generation: u64) -> bool {
        let lane = match self.ordering {
            Ordering::Partition => self.lanes.get(&(generation, Some(0))),
            Ordering::Key | Ordering::None => None,
        };
        lane.is_none_or(|lane| lane.waiting().len() < self.policy.max)
    }

    /// Messages are decoded and wait from here on, each until others join it or
    /// it is due; those with a time are not to go before, and are given to the
    /// caller to be [unparked](Self::unpark) then.
    pub(super) fn read(
        &mut self,
        messages: Vec<(Gathered, Option<Instant>)>,
        now: Instant,
    ) -> Read {
        let mut read = Read::default();
        self.reading = false;
        let stale = std::mem::take(&mut self.stale);
        for (message, not_before) in messages {
            let id = (message.partition.generation(), message.work.lane);
            if message.partition.draining().is_cancelled() {
                read.dropped.push(message);
                continue;
            }
            let (keyed, may_wait) = (self.ordering == Ordering::Key, self.may_wait);
            let lane = self.lane(id, &message.partition);
            let full = || lane.stands_still(now) && !lane.has_room(may_wait, &message.work);
            let refused = lane.spilled || stale.contains(&id.0) || (keyed && full());
            if message.work.lane.is_some() && refused {
                // As an earlier one of its lane is to be delivered again, or may
                // have been already, or because the lane holds enough.
                self.change(id, |lane| lane.spilled = true);
                read.returned.push(message);
            } else if let Some(at) = not_before {
                let (sequence, number) = (message.work.sequence, message.number);
                self.change(id, |lane| lane.park(sequence, number));
                read.parked.push((message, at));
            } else {
                self.insert(id, message);
            }
        }
        read
    }

    fn lane(&mut self, id: LaneId, partition: &Arc<Partition>) -> &mut GatherLane {
        let new = || GatherLane::new(partition, id.1.is_some());
        self.lanes.entry(id).or_insert_with(new)
    }

    fn insert(&mut self, id: LaneId, message: Gathered) {
        let (earliest, due) = (self.earliest, message.due);
        let before = self.open;
        self.change(id, |lane| lane.insert(message));
        // Looking it up again for each message would take long.
        if let Ok(earliest) = earliest {
            let open = self.open == before + 1;
            self.earliest = match open {
                true => Ok(Some(earliest.map_or(due, |earliest| earliest.min(due)))),
                false => Ok(earliest),
            };
        }
    }

    /// Takes a batch, in order of arrival, if one is to go.
    pub(super) fn take(&mut self, now: Instant) -> Option<Vec<Gathered>> {
        if !self.goes(now) {
            return None;
        }
        let mut batch: Vec<Gathered> = Vec::with_capacity(self.open.min(self.policy.max));
        let mut passed = Vec::new();
        while batch.len() < self.policy.max && !batch.first().is_some_and(|first| first.alone) {
            let Some((number, id)) = self.heads.pop_first() else {
                break;
            };
            let others = self.heads.first_key_value().map(|(number, _)| *number);
            let Some(lane) = self.lanes.get_mut(&id) else {
                continue;
            };
            if lane.alone_first() && !batch.is_empty() {
                passed.push((number, id));
                continue;
            }
            let room = self.policy.max - batch.len();
            let open = lane.open();
            let count = lane.take(others, room, &mut batch);
            self.open = self.open + lane.open() - open;
            if open > count
                && let Some(head) = lane.head()
            {
                self.heads.insert(head, id);
            }
        }
        self.heads.extend(passed);
        for message in &batch {
            let id = (message.partition.generation(), message.work.lane);
            self.change(id, |lane| lane.start(now));
        }
        self.earliest = Err(());
        Some(batch)
    }

    /// Messages of a batch are finished or are no longer this lane's concern.
    pub(super) fn finish(&mut self, partition: &Partition, lane: Lane, now: Instant) {
        self.change((partition.generation(), lane), |lane| lane.finish(now));
    }

    /// A message of a batch waits for its retry, its lane behind it.
    pub(super) fn park(&mut self, message: &Parking, now: Instant) {
        let id = (message.partition.generation(), message.lane);
        let (sequence, number) = (message.sequence, message.number);
        self.change(id, |lane| {
            lane.finish(now);
            lane.park(sequence, number);
        });
    }

    /// A parked message comes back and is due. If its partition is gone, the
    /// worker that takes it finds out.
    pub(super) fn unpark(&mut self, partition: &Arc<Partition>, work: Work, now: Instant) {
        let id = (partition.generation(), work.lane);
        self.lane(id, partition);
        let unknown = self.next_number;
        self.next_number += 1;
        self.change(id, |lane| {
            let number = lane.unpark(work.sequence, now).unwrap_or(unknown);
            lane.insert(Gathered {
                partition: Arc::clone(partition),
                work,
                value: None,
                due: now,
                alone: false,
                number,
            });
        });
    }

    /// A message of a batch is to be handled once more, by itself and at once.
    /// It is returned when its partition is going.
    pub(super) fn alone(&mut self, mut message: Gathered, now: Instant) -> Option<Gathered> {
        let id = (message.partition.generation(), message.work.lane);
        if message.partition.draining().is_cancelled() {
            self.change(id, |lane| lane.finish(now));
            return Some(message);
        }
        message.alone = true;
        message.due = now;
        message.value = None;
        self.lane(id, &Arc::clone(&message.partition));
        self.change(id, |lane| {
            lane.finish(now);
            lane.insert(message);
        });
        None
    }

    /// A message of the lane can't be moved away: nothing more of it goes until
    /// [`go_on`](Self::go_on) was called as often as this.
    pub(super) fn stop(&mut self, partition: &Arc<Partition>, lane: Lane) -> bool {
        // Without order, a message is alone in its lane.
        if lane.is_some() {
            let id = (partition.generation(), lane);
            self.lane(id, partition);
            self.change(id, |lane| lane.stop());
        }
        lane.is_some()
    }

    pub(super) fn go_on(&mut self, partition: &Arc<Partition>, lane: Lane, now: Instant) {
        let id = (partition.generation(), lane);
        self.change(id, |lane| lane.go_on(now));
    }

    /// Changes a lane, and keeps what is known of all of them right.
    fn change<R>(&mut self, id: LaneId, change: impl FnOnce(&mut GatherLane) -> R) -> Option<R> {
        let lane = self.lanes.get_mut(&id)?;
        self.open -= lane.open();
        if let Some(head) = lane.head() {
            self.heads.remove(&head);
        }
        let result = change(lane);
        self.open += lane.open();
        if let Some(head) = lane.head() {
            self.heads.insert(head, id);
        }
        self.earliest = Err(());
        if lane.is_idle() {
            match lane.spilled {
                true => lane.partition.want_rewind(),
                false => {
                    self.lanes.remove(&id);
                }
            }
        }
        Some(result)
    }
}
