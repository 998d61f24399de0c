//! One assignment of one partition: a generation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::handler::Handler;
use super::queue_turns::QueueTurns;
use super::raw::TopicName;
use super::rules::Rules;
use super::tracker::Tracker;

/// A partition from assignment to revocation. A later assignment of the same
/// partition is another value: work that still holds the old one finishes into
/// a closed tracker and is never committed.
pub(crate) struct Partition {
    pub(crate) topic: TopicName,
    pub(crate) id: i32,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) rules: Arc<Rules>,
    /// Differs between any two assignments in this process.
    generation: u64,
    tracker: Mutex<Tracker>,
    /// Messages handed to the lanes and neither finished nor dropped.
    outstanding: AtomicUsize,
    /// Their bytes.
    bytes: AtomicUsize,
    /// Those of them that wait for their time, and their bytes.
    parked: AtomicUsize,
    parked_bytes: AtomicUsize,
    /// The highest offset whose handler was started.
    started: AtomicI64,
    /// While draining: the highest offset that may still be started.
    cut: AtomicI64,
    /// Ends when draining begins.
    draining: CancellationToken,
    /// Ends when the assignment does.
    ended: CancellationToken,
    /// Messages were given back and should now be delivered again.
    rewind: AtomicBool,
    /// Messages without a lane that the broker does not take elsewhere.
    refused: AtomicUsize,
    /// Whose turn it is to be moved away.
    pub(super) moves: QueueTurns,
}

impl Partition {
    pub(crate) fn new(
        topic: TopicName,
        id: i32,
        handler: Arc<dyn Handler>,
        rules: Arc<Rules>,
    ) -> Self {
        static GENERATIONS: AtomicU64 = AtomicU64::new(0);
        Self {
            generation: GENERATIONS.fetch_add(1, Ordering::Relaxed),
            topic,
            id,
            handler,
            rules,
            tracker: Mutex::default(),
            outstanding: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            parked: AtomicUsize::new(0),
            parked_bytes: AtomicUsize::new(0),
            started: AtomicI64::new(-1),
            cut: AtomicI64::new(i64::MAX),
            draining: CancellationToken::new(),
            ended: CancellationToken::new(),
            rewind: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            moves: QueueTurns::default(),
        }
    }

    /// Differs between any two assignments in this process, of one partition too.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a message may have been tried before this process got it.
    pub(super) fn has_past(&self) -> bool {
        self.rules.is_retry
    }

    pub(super) fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock()
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Acquire)
    }

    /// The bytes of what is outstanding.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    pub(super) fn add_outstanding(&self, messages: usize, bytes: usize) {
        self.outstanding.fetch_add(messages, Ordering::AcqRel);
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Gives back messages that were finished or dropped; `true` when a drain
    /// waits for just that.
    pub(super) fn remove_outstanding(&self, messages: usize, bytes: usize) -> bool {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        let before = self.outstanding.fetch_sub(messages, Ordering::AcqRel);
        debug_assert!(before >= messages, "more given back than taken");
        before == messages && self.cut.load(Ordering::Acquire) != i64::MAX
    }

    /// A message waits for its time.
    pub(super) fn parked(&self, bytes: usize) {
        self.parked.fetch_add(1, Ordering::AcqRel);
        self.parked_bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Messages wait no longer.
    pub(super) fn unparked(&self, messages: usize, bytes: usize) {
        self.parked.fetch_sub(messages, Ordering::AcqRel);
        self.parked_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Messages that wait for their time, and their bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let bytes = self.parked_bytes.load(Ordering::Acquire);
        (self.parked.load(Ordering::Acquire), bytes)
    }

    /// A message without a lane is refused elsewhere; how many others are.
    pub(super) fn add_refused(&self) -> usize {
        self.refused.fetch_add(1, Ordering::AcqRel)
    }

    pub(super) fn remove_refused(&self) {
        self.refused.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::Acquire)
    }

    /// Asks to start a message; `false` when the partition is draining and the
    /// message is past the cut.
    pub(super) fn start(&self, offset: i64) -> bool {
        if offset > self.cut.load(Ordering::Acquire) {
            return false;
        }
        self.started.fetch_max(offset, Ordering::AcqRel);
        true
    }

    /// Asks the poll thread to have what was given back delivered again.
    pub(super) fn want_rewind(&self) {
        self.rewind.store(true, Ordering::Release);
    }

    pub(super) fn wants_rewind(&self) -> bool {
        self.rewind.load(Ordering::Acquire)
    }

    /// Whether that was asked for; from here on it is not.
    pub(super) fn take_rewind(&self) -> bool {
        self.rewind.swap(false, Ordering::AcqRel)
    }

    /// Stops starting messages above the highest one started. Those below are
    /// still worked on: dropping them would have everything finished above them
    /// delivered again.
    pub(super) fn begin_drain(&self) {
        let started = self.started.load(Ordering::Acquire);
        self.cut.fetch_min(started, Ordering::AcqRel);
        self.draining.cancel();
    }

    /// Ends when draining begins.
    pub(super) fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Whether a message may still be worked on.
    pub(super) fn takes(&self, offset: i64) -> bool {
        offset <= self.cut.load(Ordering::Acquire)
    }

    /// Ends the assignment: nothing is started or counted any more.
    pub(super) fn close(&self) {
        self.cut.store(-1, Ordering::Release);
        self.draining.cancel();
        self.tracker().close();
        self.ended.cancel();
    }

    /// Ends when the assignment ends.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.topic, self.id)
    }
}
