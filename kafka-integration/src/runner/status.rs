//! What the consumers are doing, for status lines and health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::partition::Partition;

/// What a consumer is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStatus {
    /// The consumer's name.
    pub name: String,
    /// Its group.
    pub group_id: String,
    /// Partitions assigned now.
    pub partitions: usize,
    /// Messages finished since the start.
    pub processed: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Messages taken from the client and not finished.
    pub in_flight: usize,
    /// Messages between what is committed and the end of the assigned
    /// partitions, at most a second old; `None` while unknown.
    pub lag: Option<u64>,
    /// Messages moved to retry topics since the start.
    pub retried: u64,
    /// Messages moved to dead-letter topics since the start.
    pub dead: u64,
    /// Messages that the broker does not take in their retry or dead-letter
    /// topic; their lanes stand still until it does. At most 16 of them.
    pub stopped: Vec<Stopped>,
    /// How often a partition was paused so that it would not hold up others.
    pub pauses: u64,
    /// How often the consumer was started again after a failure.
    pub restarts: u64,
}

/// A message that can't be moved to its retry or dead-letter topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stopped {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Where it should go.
    pub target: String,
    /// Why it can't.
    pub reason: String,
}

impl Stopped {
    fn is(&self, partition: &Partition, offset: i64) -> bool {
        *self.topic == *partition.topic && self.partition == partition.id && self.offset == offset
    }
}

/// The most of them that are told, and that are known.
const MOST_TOLD: usize = 16;
const MOST_STOPPED: usize = 4_096;

/// A view of the consumers of a [`Runner`](super::Runner); cheap to clone, valid
/// for as long as it is held.
#[derive(Debug, Clone, Default)]
pub struct StatusHandle {
    counters: Vec<Arc<Counters>>,
}

impl StatusHandle {
    pub(super) fn new(counters: Vec<Arc<Counters>>) -> Self {
        Self { counters }
    }

    /// What each consumer is doing now, sorted by name.
    pub fn consumers(&self) -> Vec<ConsumerStatus> {
        let active = |c: &&Arc<Counters>| c.active.load(Ordering::Relaxed);
        self.counters
            .iter()
            .filter(active)
            .map(|c| c.status())
            .collect()
    }
}

/// The numbers behind a [`ConsumerStatus`]; they outlive a restart.
#[derive(Debug, Default)]
pub(super) struct Counters {
    name: String,
    group_id: String,
    /// Whether it is to be shown.
    active: AtomicBool,
    partitions: AtomicUsize,
    processed: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
    dead: AtomicU64,
    stopped: Mutex<Vec<Stopped>>,
    in_flight: AtomicUsize,
    /// -1 while unknown.
    lag: AtomicI64,
    pauses: AtomicU64,
    restarts: AtomicU64,
}

impl Counters {
    /// Of a consumer, shown once it is [active](Self::activate).
    pub(super) fn new(name: &str, group_id: &str) -> Self {
        Self {
            name: name.to_owned(),
            group_id: group_id.to_owned(),
            lag: AtomicI64::new(-1),
            ..Self::default()
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn group_id(&self) -> &str {
        &self.group_id
    }

    /// From here on it is shown.
    pub(super) fn activate(&self) {
        self.active.store(true, Ordering::Relaxed);
    }

    pub(super) fn processed(&self, messages: usize) {
        self.processed.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A message was moved to a retry topic or, when it is `dead`, to the
    /// dead-letter topic.
    pub(super) fn moved(&self, dead: bool) {
        let counter = if dead { &self.dead } else { &self.retried };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stopped(&self, message: Stopped) {
        let mut stopped = self.stopped.lock();
        if stopped.len() < MOST_STOPPED {
            stopped.push(message);
        }
    }

    /// A stopped message was moved, or its partition is gone.
    pub(super) fn resumed(&self, partition: &Partition, offset: i64) {
        self.stopped
            .lock()
            .retain(|message| !message.is(partition, offset));
    }

    pub(super) fn paused(&self) {
        self.pauses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn observe(&self, partitions: usize, in_flight: usize, lag: Option<u64>) {
        self.partitions.store(partitions, Ordering::Relaxed);
        self.in_flight.store(in_flight, Ordering::Relaxed);
        let lag = lag.map_or(-1, |lag| i64::try_from(lag).unwrap_or(i64::MAX));
        self.lag.store(lag, Ordering::Relaxed);
    }

    fn status(&self) -> ConsumerStatus {
        ConsumerStatus {
            name: self.name.clone(),
            group_id: self.group_id.clone(),
            partitions: self.partitions.load(Ordering::Relaxed),
            processed: self.processed.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            retried: self.retried.load(Ordering::Relaxed),
            dead: self.dead.load(Ordering::Relaxed),
            stopped: self
                .stopped
                .lock()
                .iter()
                .take(MOST_TOLD)
                .cloned()
                .collect(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            lag: u64::try_from(self.lag.load(Ordering::Relaxed)).ok(),
            pauses: self.pauses.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }
}
