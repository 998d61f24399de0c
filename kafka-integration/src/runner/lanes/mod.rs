//! Lanes: messages that must be handled one after another stand in one lane;
//! lanes are worked on side by side.
//!
//! By partition, each partition is a lane; by key, each key of a partition is;
//! without order, each message is its own. A lane that waits for a retry is
//! parked and holds nobody else up; so is one whose failed message the broker
//! does not take elsewhere.

mod alarm;
mod by_key;
mod by_partition;
mod gather;
mod gathers;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::alarm::Alarm;
pub(super) use self::gather::{Gathered, Parking, Read};
use self::gathers::Gathers;
use super::partition::Partition;
use super::raw::Work;
use crate::consumer::Ordering;

/// What one kind of ordering keeps. All calls are short and made under the
/// scheduler's lock.
trait Order: Send {
    /// Queues messages of a partition, in order of offset. Those left in `works`
    /// are for lanes that stand still and hold enough: they are to be given
    /// back.
    fn push(&mut self, partition: &Arc<Partition>, works: &mut Vec<Work>);

    /// How many workers would find something to do.
    fn ready(&self) -> usize;

    /// Takes what one worker does next, all of one partition.
    fn take(&mut self, works: &mut VecDeque<Work>) -> Option<Arc<Partition>>;

    /// Messages of these lanes are finished; what waits behind them is ready.
    fn settle(&mut self, partition: &Arc<Partition>, lanes: &[Lane]);

    /// The handler of this lane was not done at once.
    fn hold(&mut self, partition: &Arc<Partition>, lane: Lane);

    /// A worker returns what it took and did not start.
    fn give_back(&mut self, partition: &Arc<Partition>, rest: &mut VecDeque<Work>);

    /// A worker ends its turn.
    fn end_turn(&mut self, partition: &Arc<Partition>);

    /// A handler was not done at once, or (`false`) a whole turn was: how much a
    /// worker takes next.
    fn adapt(&mut self, waited: bool);

    /// A message waits for its retry; its lane stands still. Where the turn is
    /// the lane, `rest` goes back to it and the turn is over.
    fn park(&mut self, partition: &Arc<Partition>, lane: Lane, rest: &mut VecDeque<Work>);

    /// The message comes back.
    fn unpark(&mut self, partition: &Arc<Partition>, work: Work);

    /// A message of the lane can't be moved away: nothing more of the lane is
    /// started until [`go_on`](Self::go_on) was called as often as this.
    /// `false` when it has no lane.
    fn stop(&mut self, partition: &Arc<Partition>, lane: Lane) -> bool;

    fn go_on(&mut self, partition: &Arc<Partition>, lane: Lane);

    /// Removes what would only wait in lanes that stand still, the latest
    /// first, so that each lane stays in order.
    fn shed(&mut self, partition: &Arc<Partition>, keep: Keep, shed: &mut Vec<Work>);

    /// Messages in lanes that stand still and keep a small part for themselves.
    fn standing(&self, partition: &Arc<Partition>) -> usize;

    /// What was given back is about to be delivered again.
    fn rewound(&mut self, partition: &Arc<Partition>);

    /// Removes what a draining partition no longer takes.
    fn drain(&mut self, partition: &Arc<Partition>, dropped: &mut Vec<Work>);

    /// Removes everything of a partition.
    fn remove(&mut self, partition: &Arc<Partition>, dropped: &mut Vec<Work>);
}

/// The lane of a message within its partition: the hash of its key; `None` for
/// the partition's only lane, and for messages without order.
pub(super) type Lane = Option<u64>;

/// A lane without progress for this long is taken to stand still.
const STANDS_STILL: Duration = Duration::from_secs(1);

/// How much may wait: neither more messages nor more bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Keep {
    /// How many of these, from the first, may be kept.
    fn count<'a>(self, works: impl IntoIterator<Item = &'a Work>) -> usize {
        let mut bytes = 0;
        let fits = |work: &&Work| {
            bytes += work.size;
            bytes <= self.bytes
        };
        let works = works.into_iter().take(self.messages);
        works.take_while(fits).count()
    }

    /// Whether one more fits behind these.
    fn has_room(self, waiting: &VecDeque<Work>, next: &Work) -> bool {
        let bytes: usize = waiting.iter().map(|work| work.size).sum();
        waiting.len() < self.messages && bytes + next.size <= self.bytes
    }
}

/// What happened in a turn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TurnEnd {
    /// A handler was not done at once.
    pub(super) waited: bool,
    /// A message failed. By partition, the lane is parked and may be with
    /// another worker already.
    pub(super) parked: bool,
}

/// What a worker does next.
pub(super) enum Taken {
    /// Messages of that partition, one after another.
    Turn(Arc<Partition>),
    /// Messages that are handled together.
    Batch(Vec<Gathered>),
    /// Messages to decode, so that they can be gathered.
    Unread(Vec<Gathered>),
}

/// What became of the messages of a batch.
#[derive(Default)]
pub(super) struct BatchEnd {
    /// No longer their lanes' concern.
    pub(super) done: Vec<(Arc<Partition>, Lane)>,
    /// To wait for their retry.
    pub(super) parked: Vec<Parking>,
    /// To be handled once more, each alone.
    pub(super) alone: Vec<Gathered>,
}

/// All lanes of a consumer and how many workers are at them.
pub(super) struct Lanes {
    state: Mutex<State>,
    concurrency: usize,
    alarm: Alarm,
}

struct State {
    order: Box<dyn Order>,
    gathers: Gathers,
    /// Batches have precedence in this turn; it changes with each.
    batches_first: bool,
    workers: usize,
    /// When the alarm goes off.
    looks_at: Option<Instant>,
}

impl State {
    /// How many workers would find something to do.
    fn ready(&mut self) -> usize {
        match self.gathers.is_empty() {
            true => self.order.ready(),
            false => self.order.ready() + self.gathers.ready(Instant::now()),
        }
    }

    /// What a worker does next.
    fn take(&mut self, works: &mut VecDeque<Work>) -> Option<Taken> {
        if self.gathers.is_empty() {
            return self.order.take(works).map(Taken::Turn);
        }
        self.batches_first = !self.batches_first;
        if self.batches_first {
            let batch = self.take_batch();
            batch.or_else(|| self.order.take(works).map(Taken::Turn))
        } else {
            let turn = self.order.take(works).map(Taken::Turn);
            turn.or_else(|| self.take_batch())
        }
    }

    fn take_batch(&mut self) -> Option<Taken> {
        let batch = self.gathers.take(Instant::now()).map(Taken::Batch);
        // What is decoded takes memory: no more of it than is needed.
        batch.or_else(|| self.gathers.take_unread().map(Taken::Unread))
    }
}

impl Lanes {
    /// `most` is what may be in flight in all lanes together.
    pub(super) fn new(ordering: Ordering, concurrency: usize, most: Keep) -> Self {
        let order: Box<dyn Order> = match ordering {
            Ordering::Partition => Box::new(by_partition::ByPartition::default()),
            Ordering::Key => Box::new(by_key::ByKey::keyed(most)),
            Ordering::None => Box::new(by_key::ByKey::unordered()),
        };
        let state = State {
            order,
            gathers: Gathers::new(ordering, by_key::may_wait(most)),
            batches_first: false,
            workers: 0,
            looks_at: None,
        };
        Self {
            state: Mutex::new(state),
            concurrency,
            alarm: Alarm::default(),
        }
    }

    /// Counts and returns the workers to start for what is ready.
    fn hire(&self, state: &mut State) -> usize {
        let free = self.concurrency.saturating_sub(state.workers);
        let hired = state.ready().min(free);
        state.workers += hired;
        self.set_alarm(state);
        hired
    }

    /// The same for a worker that goes on: one that is ready is its own.
    fn hire_others(&self, state: &mut State) -> usize {
        let free = self.concurrency.saturating_sub(state.workers);
        let hired = state.ready().saturating_sub(1).min(free);
        state.workers += hired;
        self.set_alarm(state);
        hired
    }

    /// Queues messages; returns how many workers to start. What is left in
    /// `works` is to be given back.
    #[must_use]
    pub(super) fn push(&self, partition: &Arc<Partition>, works: &mut Vec<Work>) -> usize {
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.push(partition, works, Instant::now()),
            None => state.order.push(partition, works),
        }
        self.hire(&mut state)
    }

    /// What a worker does next; `None` ends the worker.
    pub(super) fn next(&self, works: &mut VecDeque<Work>) -> Option<Taken> {
        let mut state = self.state.lock();
        let taken = state.take(works);
        if taken.is_none() {
            state.workers -= 1;
        }
        self.set_alarm(&mut state);
        taken
    }

    /// Messages were decoded, all of the topic of that partition, and can be
    /// gathered; those with a time are not to go before it. Returns those that are not kept, and how many workers to
    /// start.
    #[must_use]
    pub(super) fn read(
        &self,
        partition: &Partition,
        messages: Vec<(Gathered, Option<Instant>)>,
    ) -> (Read, usize) {
        let mut state = self.state.lock();
        let gather = state.gathers.of(partition);
        let read = gather.map(|gather| gather.read(messages, Instant::now()));
        (read.unwrap_or_default(), self.hire_others(&mut state))
    }

    /// A batch is over. Returns what is of partitions that are going, and how
    /// many workers to start.
    #[must_use]
    pub(super) fn end_batch(&self, end: BatchEnd) -> (Vec<Gathered>, usize) {
        let mut state = self.state.lock();
        let now = Instant::now();
        for (partition, lane) in end.done {
            if let Some(gather) = state.gathers.of(&partition) {
                gather.finish(&partition, lane, now);
            }
        }
        for parked in end.parked {
            if let Some(gather) = state.gathers.of(parked.partition()) {
                gather.park(&parked, now);
            }
        }
        let mut dropped = Vec::new();
        for message in end.alone {
            match state.gathers.of(&Arc::clone(&message.partition)) {
                Some(gather) => dropped.extend(gather.alone(message, now)),
                None => dropped.push(message),
            }
        }
        (dropped, self.hire_others(&mut state))
    }

    /// There is no room for more messages: gathering them is in vain; or
    /// (`false`) there is again. Returns how many workers to start.
    #[must_use]
    pub(super) fn press(&self, pressed: bool) -> usize {
        let mut state = self.state.lock();
        state.gathers.press(pressed);
        self.hire(&mut state)
    }

    #[cfg(test)]
    fn take(&self, works: &mut VecDeque<Work>) -> Option<Arc<Partition>> {
        match self.next(works)? {
            Taken::Turn(partition) => Some(partition),
            Taken::Batch(_) | Taken::Unread(_) => None,
        }
    }

    /// In the middle of a turn: messages are finished, the handler of `running`
    /// waits, and the rest goes back for others. Returns how many workers to start.
    #[must_use]
    pub(super) fn waiting(
        &self,
        partition: &Arc<Partition>,
        finished: &[Lane],
        running: Lane,
        rest: &mut VecDeque<Work>,
    ) -> usize {
        let mut state = self.state.lock();
        state.order.settle(partition, finished);
        state.order.hold(partition, running);
        state.order.adapt(true);
        state.order.give_back(partition, rest);
        self.hire(&mut state)
    }

    /// At the end of a turn that took everything it was given. The worker goes
    /// on with [`take`](Self::take), so one ready lane is its own. Returns how
    /// many more workers to start.
    #[must_use]
    pub(super) fn end_turn(
        &self,
        partition: &Arc<Partition>,
        finished: &[Lane],
        how: TurnEnd,
    ) -> usize {
        let mut state = self.state.lock();
        state.order.settle(partition, finished);
        if !how.waited {
            state.order.adapt(false);
        }
        if !how.parked {
            state.order.end_turn(partition);
        }
        self.hire_others(&mut state)
    }

    pub(super) fn park(&self, partition: &Arc<Partition>, lane: Lane, rest: &mut VecDeque<Work>) {
        self.state.lock().order.park(partition, lane, rest);
    }

    /// A parked message comes back; returns how many workers to start.
    ///
    /// # Errors
    /// With the message when its assignment has ended: nobody would take it out
    /// of the lanes again.
    pub(super) fn unpark(&self, partition: &Arc<Partition>, work: Work) -> Result<usize, Work> {
        let mut state = self.state.lock();
        if partition.ended().is_cancelled() {
            return Err(work);
        }
        match state.gathers.of(partition) {
            Some(gather) => gather.unpark(partition, work, Instant::now()),
            None => state.order.unpark(partition, work),
        }
        Ok(self.hire(&mut state))
    }

    /// A message of the lane can't be moved away: nothing more of the lane is
    /// started until [`go_on`](Self::go_on) was called as often as this.
    /// `false` when it has no lane.
    pub(super) fn stop(&self, partition: &Arc<Partition>, lane: Lane) -> bool {
        let mut state = self.state.lock();
        // An ended assignment was taken out of the lanes, or will be.
        if partition.ended().is_cancelled() {
            return true;
        }
        match state.gathers.of(partition) {
            Some(gather) => gather.stop(partition, lane),
            None => state.order.stop(partition, lane),
        }
    }

    /// Returns how many workers to start.
    #[must_use]
    pub(super) fn go_on(&self, partition: &Arc<Partition>, lane: Lane) -> usize {
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.go_on(partition, lane, Instant::now()),
            None => state.order.go_on(partition, lane),
        }
        self.hire(&mut state)
    }

    /// Removes what would only wait; by partition, all but `keep`.
    pub(super) fn shed(&self, partition: &Arc<Partition>, keep: Keep) -> Vec<Work> {
        let mut shed = Vec::new();
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.shed(partition, keep, Instant::now(), &mut shed),
            None => state.order.shed(partition, keep, &mut shed),
        }
        shed
    }

    /// Messages in lanes that stand still and keep a small part for themselves.
    pub(super) fn standing(&self, partition: &Arc<Partition>) -> usize {
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.standing(partition, Instant::now()),
            None => state.order.standing(partition),
        }
    }

    /// What was given back is about to be delivered again.
    pub(super) fn rewound(&self, partition: &Arc<Partition>) {
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.rewound(partition),
            None => state.order.rewound(partition),
        }
    }

    /// Removes what a draining partition no longer takes.
    pub(super) fn drain(&self, partition: &Arc<Partition>) -> Vec<Work> {
        let mut dropped = Vec::new();
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.drain(partition, &mut dropped),
            None => state.order.drain(partition, &mut dropped),
        }
        dropped
    }

    /// Removes everything of a partition.
    pub(super) fn remove(&self, partition: &Arc<Partition>) -> Vec<Work> {
        let mut dropped = Vec::new();
        let mut state = self.state.lock();
        match state.gathers.of(partition) {
            Some(gather) => gather.remove(partition, &mut dropped),
            None => state.order.remove(partition, &mut dropped),
        }
        dropped
    }
}
