use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shows how far long work is, and ends it early. Clones share one work.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    read: AtomicU64,
    to_read: AtomicU64,
    done: AtomicU64,
    to_do: AtomicU64,
}

impl Watch {
    /// Of work that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the work at the next place where nothing is half done: between two
    /// transactions, or between two records that are only read.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Offsets that were read so far, and about how many there are to read.
    pub fn read(&self) -> (u64, u64) {
        let shared = &self.0;
        (
            shared.read.load(Ordering::Relaxed),
            shared.to_read.load(Ordering::Relaxed),
        )
    }

    /// Dead letters that were moved or discarded so far, for good, and how many
    /// are to be.
    pub fn done(&self) -> (u64, u64) {
        let shared = &self.0;
        (
            shared.done.load(Ordering::Relaxed),
            shared.to_do.load(Ordering::Relaxed),
        )
    }

    pub(super) fn begin_reading(&self, offsets: u64) {
        self.0.read.store(0, Ordering::Relaxed);
        self.0.to_read.store(offsets, Ordering::Relaxed);
    }

    pub(super) fn set_read(&self, offsets: u64) {
        self.0.read.store(offsets, Ordering::Relaxed);
    }

    pub(super) fn begin_work(&self, letters: u64) {
        self.0.done.store(0, Ordering::Relaxed);
        self.0.to_do.store(letters, Ordering::Relaxed);
    }

    pub(super) fn add_done(&self, letters: u64) {
        self.0.done.fetch_add(letters, Ordering::Relaxed);
    }
}
