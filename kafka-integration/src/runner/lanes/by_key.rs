use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::{FxHashMap, FxHasher};

use super::{Keep, Lane, Order, STANDS_STILL};
use crate::runner::partition::Partition;
use crate::runner::raw::Work;

/// The most messages a worker takes at a time.
const MAX_TURN: usize = 64;

/// One lane for each key of each partition; a message without a key, and every
/// message when there is no order, is its own.
pub(super) struct ByKey {
    keyed: bool,
    /// The keys that have a message ready, running or parked, and what waits
    /// behind it.
    busy: FxHashMap<(u64, u64), KeyLane>,
    ready: VecDeque<(Arc<Partition>, Work)>,
    /// How many messages a worker takes at a time. Handlers that are done at
    /// once are handed many, which makes the hand-over cheap; one that waits
    /// must hold up nobody, so each is handed alone.
    turn: usize,
    /// How much may wait in a lane that stands still.
    may_wait: Keep,
}

/// The most messages that may wait in a lane that stands still. The client keeps
/// the others: a key that is stuck must not fill the memory that others need.
const MAX_WAITING_WHERE_IT_STANDS: usize = 64;

/// How much that is, when so much may be in flight in all lanes together.
pub(super) fn may_wait(most: Keep) -> Keep {
    Keep {
        messages: (most.messages / 1024).clamp(1, MAX_WAITING_WHERE_IT_STANDS),
        bytes: most.bytes / 1024,
    }
}

struct KeyLane {
    waiting: VecDeque<Work>,
    parked: bool,
    /// A handler of this key was not done at once. What waits behind it may
    /// wait for long and must not pin a fetch buffer: it is copied.
    held: bool,
    /// A message of the key is ready, running or parked.
    active: bool,
    /// Messages of the key were given back. All later ones must be too, until
    /// they are delivered again, in order.
    spilled: bool,
    /// Messages of the key that can't be moved away: nothing is started until
    /// they are.
    stops: usize,
    progress: Instant,
}

impl KeyLane {
    fn active(now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            parked: false,
            held: false,
            active: true,
            spilled: false,
            stops: 0,
            progress: now,
        }
    }

    fn stands_still(&self, now: Instant) -> bool {
        self.parked || self.stops > 0 || now.duration_since(self.progress) > STANDS_STILL
    }

    fn hold(&mut self) {
        if !self.held {
            self.held = true;
            self.waiting.iter_mut().for_each(Work::detach);
        }
    }
}

impl ByKey {
    pub(super) fn keyed(most: Keep) -> Self {
        Self {
            keyed: true,
            may_wait: may_wait(most),
            busy: FxHashMap::default(),
            ready: VecDeque::new(),
            turn: 1,
        }
    }

    pub(super) fn unordered() -> Self {
        Self {
            keyed: false,
            ..Self::keyed(Keep {
                messages: 0,
                bytes: 0,
            })
        }
    }

    fn lane_of(&self, work: &Work) -> Lane {
        let key = work.message.key().filter(|_| self.keyed)?;
        let mut hasher = FxHasher::default();
        hasher.write(key);
        Some(hasher.finish())
    }
}

impl ByKey {
    /// Nothing of a key is running: what waits next is ready.
    fn advance(&mut self, partition: &Arc<Partition>, key: (u64, u64), now: Instant) {
        let Some(lane) = self.busy.get_mut(&key) else {
            return;
        };
        match lane.waiting.pop_front() {
            Some(work) => {
                lane.progress = now;
                self.ready.push_back((Arc::clone(partition), work));
            }
            None if lane.spilled => {
                lane.active = false;
                partition.want_rewind();
            }
            None => {
                self.busy.remove(&key);
            }
        }
    }
}

impl Order for ByKey {
    fn push(&mut self, partition: &Arc<Partition>, works: &mut Vec<Work>) {
        let now = Instant::now();
        let mut spilled = Vec::new();
        for mut work in works.drain(..) {
            work.lane = self.lane_of(&work);
            if let Some(lane) = work.lane {
                match self.busy.entry((partition.generation(), lane)) {
                    Entry::Occupied(mut busy) => {
                        let busy = busy.get_mut();
                        let full = || !self.may_wait.has_room(&busy.waiting, &work);
                        if busy.spilled || (busy.stands_still(now) && full()) {
                            busy.spilled = true;
                            spilled.push(work);
                        } else {
                            if busy.held {
                                work.detach();
                            }
                            busy.waiting.push_back(work);
                        }
                        continue;
                    }
                    Entry::Vacant(free) => {
                        free.insert(KeyLane::active(now));
                    }
                }
            }
            self.ready.push_back((Arc::clone(partition), work));
        }
        works.append(&mut spilled);
    }

    fn ready(&self) -> usize {
        self.ready.len().div_ceil(self.turn)
    }

    fn take(&mut self, works: &mut VecDeque<Work>) -> Option<Arc<Partition>> {
        let (partition, work) = self.ready.pop_front()?;
        works.push_back(work);
        while works.len() < self.turn {
            let same = |next: &mut (Arc<Partition>, Work)| Arc::ptr_eq(&next.0, &partition);
            match self.ready.pop_front_if(same) {
                Some((_, work)) => works.push_back(work),
                None => break,
            }
        }
        Some(partition)
    }

    fn settle(&mut self, partition: &Arc<Partition>, finished: &[Lane]) {
        if finished.is_empty() {
            return;
        }
        let now = Instant::now();
        for lane in finished.iter().flatten() {
            let key = (partition.generation(), *lane);
            let Some(busy) = self.busy.get_mut(&key) else {
                continue;
            };
            if busy.stops > 0 {
                busy.active = false;
                continue;
            }
            self.advance(partition, key, now);
        }
    }

    fn stop(&mut self, partition: &Arc<Partition>, lane: Lane) -> bool {
        // Without order, a message is alone in its lane.
        let Some(lane) = lane else {
            return false;
        };
        let now = Instant::now();
        let idle = || KeyLane {
            active: false,
            ..KeyLane::active(now)
        };
        let key = (partition.generation(), lane);
        let lane = self.busy.entry(key).or_insert_with(idle);
        lane.stops += 1;
        lane.hold();
        true
    }

    fn go_on(&mut self, partition: &Arc<Partition>, lane: Lane) {
        let key = lane.map(|lane| (partition.generation(), lane));
        let Some((key, lane)) = key.and_then(|key| Some((key, self.busy.get_mut(&key)?))) else {
            return;
        };
        lane.stops = lane.stops.saturating_sub(1);
        if lane.stops == 0 && !lane.active {
            lane.active = true;
            self.advance(partition, key, Instant::now());
        }
    }

    fn hold(&mut self, partition: &Arc<Partition>, lane: Lane) {
        let lane = lane.and_then(|lane| self.busy.get_mut(&(partition.generation(), lane)));
        if let Some(lane) = lane {
            lane.hold();
        }
    }

    fn give_back(&mut self, partition: &Arc<Partition>, rest: &mut VecDeque<Work>) {
        while let Some(work) = rest.pop_back() {
            self.ready.push_front((Arc::clone(partition), work));
        }
    }

    fn end_turn(&mut self, _: &Arc<Partition>) {}

    fn adapt(&mut self, waited: bool) {
        self.turn = if waited {
            1
        } else {
            (self.turn * 2).min(MAX_TURN)
        };
    }

    fn park(&mut self, partition: &Arc<Partition>, lane: Lane, _: &mut VecDeque<Work>) {
        let lane = lane.and_then(|lane| self.busy.get_mut(&(partition.generation(), lane)));
        if let Some(lane) = lane {
            lane.parked = true;
            lane.hold();
        }
    }

    fn unpark(&mut self, partition: &Arc<Partition>, work: Work) {
        let lane = work
            .lane
            .and_then(|lane| self.busy.get_mut(&(partition.generation(), lane)));
        if let Some(lane) = lane {
            lane.parked = false;
            lane.progress = Instant::now();
        }
        self.ready.push_back((Arc::clone(partition), work));
    }

    fn shed(&mut self, partition: &Arc<Partition>, _: Keep, shed: &mut Vec<Work>) {
        let (ours, now) = (partition.generation(), Instant::now());
        for ((owner, _), lane) in &mut self.busy {
            if *owner != ours || !lane.stands_still(now) {
                continue;
            }
            let kept = self.may_wait.count(&lane.waiting);
            if kept < lane.waiting.len() {
                lane.spilled = true;
                shed.extend(lane.waiting.drain(kept..));
            }
        }
    }

    fn standing(&self, partition: &Arc<Partition>) -> usize {
        let (ours, now) = (partition.generation(), Instant::now());
        self.busy
            .iter()
            .filter(|((owner, _), lane)| {
                *owner == ours && (lane.active || lane.stops > 0) && lane.stands_still(now)
            })
            .map(|(_, lane)| 1 + lane.waiting.len())
            .sum()
    }

    fn rewound(&mut self, partition: &Arc<Partition>) {
        let ours = partition.generation();
        self.busy.retain(|(owner, _), lane| {
            if *owner == ours {
                lane.spilled = false;
            }
            lane.active || lane.stops > 0 || *owner != ours
        });
    }

    fn drain(&mut self, partition: &Arc<Partition>, dropped: &mut Vec<Work>) {
        let ours = partition.generation();
        // A ready message above the cut goes, and with it whatever waits behind
        // it, which is further above.
        let mut kept = VecDeque::with_capacity(self.ready.len());
        for (owner, work) in self.ready.drain(..) {
            if Arc::ptr_eq(&owner, partition) && !partition.takes(work.message.offset()) {
                if let Some(lane) = work.lane.and_then(|lane| self.busy.remove(&(ours, lane))) {
                    dropped.extend(lane.waiting);
                }
                dropped.push(work);
            } else {
                kept.push_back((owner, work));
            }
        }
        self.ready = kept;
        for ((owner, _), lane) in &mut self.busy {
            if *owner != ours {
                continue;
            }
            // A parked message is given up, so nothing may overtake it.
            let keep = match lane.parked || lane.stops > 0 {
                true => 0,
                false => lane
                    .waiting
                    .partition_point(|work| partition.takes(work.message.offset())),
            };
            dropped.extend(lane.waiting.drain(keep..));
        }
    }

    fn remove(&mut self, partition: &Arc<Partition>, dropped: &mut Vec<Work>) {
        let ours = partition.generation();
        let mut kept = VecDeque::with_capacity(self.ready.len());
        for (owner, work) in self.ready.drain(..) {
            if Arc::ptr_eq(&owner, partition) {
                dropped.push(work);
            } else {
                kept.push_back((owner, work));
            }
        }
        self.ready = kept;
        self.busy.retain(|(owner, _), lane| {
            if *owner == ours {
                dropped.extend(lane.waiting.drain(..));
                return false;
            }
            true
        });
    }
}
