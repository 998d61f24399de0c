//! A worker and its turns: what it takes from the lanes, and what becomes of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::{At, Context};
use super::failing::Failed;
use super::lanes::{Lane, Taken, TurnEnd};
use super::partition::Partition;
use super::raw::Work;
use super::shared::Shared;
use crate::retry::Failure;

/// How long a worker whose handlers never wait goes on before it lets the
/// runtime's other tasks run. Each time, the runtime wakes another of its
/// threads, which costs as much as several messages.
const SPELL: Duration = Duration::from_millis(1);

/// How often a worker looks at the clock, in messages.
const MESSAGES_BETWEEN_LOOKS: u32 = 32;

/// What a worker has taken from the lanes, all of one partition.
pub(crate) struct Turn {
    shared: Arc<Shared>,
    partition: Arc<Partition>,
    works: VecDeque<Work>,
    /// The message being handled.
    current: Option<Work>,
    finished: Finished,
    end: TurnEnd,
    spell: Spell,
}

/// A worker's time without a break, looked at once in a while.
#[derive(Default)]
pub(super) struct Spell {
    /// The first look.
    since: Option<Instant>,
    messages: u32,
}

impl Spell {
    /// Another message; whether it is time for a break.
    pub(super) fn is_over(&mut self) -> bool {
        self.messages += 1;
        self.messages.is_multiple_of(MESSAGES_BETWEEN_LOOKS)
            && self.since.get_or_insert_with(Instant::now).elapsed() >= SPELL
    }
}

/// Finished messages that the tracker, the budget and the lanes don't know of
/// yet. Telling them a turn at a time is what makes a fast handler cheap.
#[derive(Default)]
struct Finished {
    sequences: Vec<u64>,
    lanes: Vec<Lane>,
    bytes: usize,
}

/// Works on the lanes until they have nothing ready.
pub(super) async fn work(shared: Arc<Shared>) {
    let mut works = VecDeque::new();
    let mut turn: Option<Turn> = None;
    loop {
        let taken = shared.lanes.next(&mut works);
        shared.attend_alarm();
        match taken {
            None => return,
            Some(Taken::Turn(partition)) => {
                let turn = match &mut turn {
                    Some(turn) => turn,
                    none => none.insert(Turn::new(&shared, &partition)),
                };
                turn.partition = partition;
                std::mem::swap(&mut turn.works, &mut works);
                let handler = Arc::clone(&turn.partition.handler);
                handler.run(turn).await;
                turn.finish();
            }
            Some(Taken::Batch(messages)) => shared.handle_batch(messages).await,
            Some(Taken::Unread(messages)) => shared.read_batch(messages).await,
        }
    }
}

impl Turn {
    fn new(shared: &Arc<Shared>, partition: &Arc<Partition>) -> Self {
        Self {
            shared: Arc::clone(shared),
            partition: Arc::clone(partition),
            works: VecDeque::new(),
            current: None,
            finished: Finished::default(),
            end: TurnEnd::default(),
            spell: Spell::default(),
        }
    }

    pub(crate) fn context(&self) -> Context {
        Context {
            kafka: self.shared.kafka.clone(),
            consumer: Arc::clone(&self.shared.name),
            ended: vec![self.partition.ended().clone()],
            at: At::of(&self.partition),
        }
    }

    /// Goes on to the next message; `false` ends the turn. Lets the runtime's
    /// other tasks run once in a while.
    pub(crate) async fn next(&mut self) -> bool {
        if self.spell.is_over() {
            tokio::task::yield_now().await;
            self.spell = Spell::default();
        }
        while let Some(mut work) = self.works.pop_front() {
            if work.attempt == 0
                && (work.past.is_some() || self.partition.has_past())
                && let Some(due) = work.recall(&self.partition)
            {
                self.park(work, due);
                continue;
            }
            if self.partition.start(work.message.offset()) {
                work.attempt = work.attempt.saturating_add(1);
                self.current = Some(work);
                return true;
            }
            self.shared.drop_works(&self.partition, [work]);
        }
        false
    }

    /// The message being handled; `None` between two.
    pub(crate) fn current(&mut self) -> Option<(&Partition, &mut Work)> {
        Some((&self.partition, self.current.as_mut()?))
    }

    /// The handler is not done at once: what is finished counts now, and the
    /// rest of the turn is for others where order allows.
    pub(crate) fn waiting(&mut self) {
        self.end.waited = true;
        self.spell = Spell::default();
        let finished = self.settle();
        let running = self.current.as_ref().and_then(|work| work.lane);
        let hired = self
            .shared
            .lanes
            .waiting(&self.partition, &finished, running, &mut self.works);
        self.recycle(finished);
        self.shared.start_workers(hired);
    }

    /// The message is done.
    pub(crate) fn finished(&mut self) {
        let Some(work) = self.current.take() else {
            return;
        };
        self.finished.sequences.push(work.sequence);
        self.finished.lanes.push(work.lane);
        self.finished.bytes += work.size;
    }

    /// The handler failed.
    pub(crate) fn failed(&mut self, failure: &Failure) {
        let Some(work) = self.current.take() else {
            return;
        };
        match self.shared.failed(&self.partition, work, failure) {
            Failed::Waits(work, at) => self.park(work, at),
            Failed::Moves(lane) => self.finished.lanes.push(lane),
        }
    }

    /// The message waits, its lane with it.
    fn park(&mut self, work: Work, at: Instant) {
        self.end.parked = true;
        self.shared
            .lanes
            .park(&self.partition, work.lane, &mut self.works);
        self.shared.park_until(&self.partition, work, at);
    }

    fn finish(&mut self) {
        let finished = self.settle();
        let end = std::mem::take(&mut self.end);
        let hired = self.shared.lanes.end_turn(&self.partition, &finished, end);
        self.recycle(finished);
        self.shared.start_workers(hired);
    }

    /// Tells tracker and budget what is finished; returns its lanes.
    fn settle(&mut self) -> Vec<Lane> {
        let count = self.finished.sequences.len();
        if count > 0 {
            let mut tracker = self.partition.tracker();
            for sequence in self.finished.sequences.drain(..) {
                tracker.finish(sequence);
            }
            drop(tracker);
            let bytes = std::mem::take(&mut self.finished.bytes);
            self.shared.counters.processed(count);
            self.shared.release(&self.partition, count, bytes);
        }
        std::mem::take(&mut self.finished.lanes)
    }

    fn recycle(&mut self, mut lanes: Vec<Lane>) {
        lanes.clear();
        self.finished.lanes = lanes;
    }
}
