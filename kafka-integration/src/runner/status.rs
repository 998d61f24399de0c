//! What the consumers are doing, for status lines and health.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

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
    /// How often a partition was paused so that it would not hold up others.
    pub pauses: u64,
    /// How often the consumer was started again after a failure.
    pub restarts: u64,
}

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
        self.counters.iter().map(|c| c.status()).collect()
    }
}

/// The numbers behind a [`ConsumerStatus`]; they outlive a restart.
#[derive(Debug, Default)]
pub(super) struct Counters {
    name: String,
    group_id: String,
    partitions: AtomicUsize,
    processed: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicUsize,
    /// -1 while unknown.
    lag: AtomicI64,
    pauses: AtomicU64,
    restarts: AtomicU64,
}

impl Counters {
    pub(super) fn new(name: &str, group_id: &str) -> Self {
        Self {
            name: name.to_owned(),
            group_id: group_id.to_owned(),
            lag: AtomicI64::new(-1),
            ..Self::default()
        }
    }

    pub(super) fn processed(&self, messages: usize) {
        self.processed.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
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
            in_flight: self.in_flight.load(Ordering::Relaxed),
            lag: u64::try_from(self.lag.load(Ordering::Relaxed)).ok(),
            pauses: self.pauses.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }
}
