//! The thread's loop: drain, write, commit, publish, answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};

use super::Command;
use super::round::Touched;
use crate::groups::Offsets;
use crate::log::{Catalogue, Partition, PartitionId, StoredBatch};
use crate::store::StorageError;
use crate::store::database::Database;

/// At most this many commands share a commit, so that the first does not wait
/// for ever for the last.
const COMMANDS_PER_COMMIT: usize = 512;
/// Nor does a commit carry many more bytes than this.
const BYTES_PER_COMMIT: usize = 16 * 1024 * 1024;
/// After so many bytes of SQLite's log another thread writes it back into the
/// file, while this one goes on. Whatever is written counts, by whole pages: a
/// small batch or a committed offset takes far more there than it has bytes.
const CHECKPOINT_AFTER: usize = 16 * 1024 * 1024;
/// After so many, this thread does what is left. Only when all of it is written
/// back does SQLite begin the log anew, and while commits go on the other
/// thread never catches up.
const CATCH_UP_AFTER: usize = 128 * 1024 * 1024;
/// Batches of deleted topics removed at a time, while there is nothing else
/// to do.
const SWEPT_AT_ONCE: u32 = 32;
/// Under load, which never leaves the queue empty, what would be done while there
/// is nothing else to do is done after so many commits, a piece at a time.
const ROUNDS_UNTIL_TIDY: u64 = 16;

/// So many places in the order of eviction cost too little to look after.
const CACHED_UNCHECKED: usize = 1024;

/// Runs once the transaction has ended: publishes and answers.
pub(super) type Finish = Box<dyn FnOnce(&mut Worker, Result<(), &StorageError>) + Send>;

/// What the writing thread owns.
pub(in crate::store) struct Worker {
    pub(super) database: Option<Database>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) offsets: Arc<Offsets>,
    /// Without a database: numbers for topics and partitions.
    pub(super) next_row: i64,
    pub(super) touched: Touched,
    /// Which partition's oldest batch leaves memory next.
    cached: VecDeque<Arc<Partition>>,
    cached_bytes: usize,
    /// How long `cached` gets before what is gone is looked for.
    cached_checked_at: usize,
    /// The file may have more empty pages than it needs.
    shrinking: bool,
    cache_limit: usize,
    /// Partitions with batches on disk that nobody can reach any more: those
    /// that end before the offset.
    swept: Vec<(PartitionId, i64)>,
    /// A command that must not share a transaction with those before it.
    held: Option<Command>,
    /// How long SQLite's log was when the other thread was told to write it
    /// back, and when this one did.
    told_at: usize,
    caught_up_at: usize,
    checkpoint: Option<SyncSender<()>>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Worker {
    pub(in crate::store) fn new(
        database: Option<Database>,
        catalogue: Arc<Catalogue>,
        offsets: Arc<Offsets>,
        cache_limit: usize,
        swept: Vec<(PartitionId, i64)>,
        checkpoint: Option<SyncSender<()>>,
    ) -> Self {
        Self {
            database,
            catalogue,
            offsets,
            next_row: 1,
            touched: Touched::default(),
            cached: VecDeque::new(),
            cached_bytes: 0,
            cached_checked_at: CACHED_UNCHECKED,
            shrinking: false,
            cache_limit,
            swept,
            held: None,
            told_at: 0,
            caught_up_at: 0,
            checkpoint,
        }
    }

    /// Works until told to stop, or until every sender is gone.
    pub(in crate::store) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut stopped = None;
        let mut rounds = 0_u64;
        while stopped.is_none() {
            let first = match self.held.take().map_or_else(|| commands.try_recv(), Ok) {
                Ok(command) => Some(command),
                Err(mpsc::error::TryRecvError::Empty) if self.tidy() => continue,
                Err(_) => commands.blocking_recv(),
            };
            let Some(first) = first else { break };
            stopped = self.round(first, &mut commands);
            rounds += 1;
            if rounds.is_multiple_of(ROUNDS_UNTIL_TIDY) {
                self.tidy();
            }
        }
        if let Some(database) = &self.database {
            database.checkpoint("TRUNCATE");
        }
        if let Some(done) = stopped {
            let _ = done.send(());
        }
    }

    /// One transaction with everything that waits. Returns whom to tell that
    /// the thread ended, if it was told to.
    fn round(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Option<oneshot::Sender<()>> {
        let mut stopped = None;
        let mut finishes: Vec<Finish> = Vec::new();
        let mut outcome = self.database.as_ref().map_or(Ok(()), Database::begin);
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some(command) = next.take() {
            if let Command::Stop { done } = command {
                stopped = Some(done);
                break;
            }
            let alone = is_about_topics(&command);
            bytes += weight(&command);
            let (done, finish) = self.execute(command, outcome.is_ok());
            if outcome.is_ok() {
                outcome = done;
            }
            finishes.push(finish);
            if finishes.len() < COMMANDS_PER_COMMIT && bytes < BYTES_PER_COMMIT && !alone {
                next = commands.try_recv().ok();
            }
            // A topic command looks at what is published, so whatever came
            // before it must be published first, and what comes after it must
            // see its effect.
            if next.as_ref().is_some_and(is_about_topics) {
                self.held = next.take();
            }
        }
        let outcome = outcome
            .and_then(|()| self.store_producers())
            .and_then(|()| self.database.as_ref().map_or(Ok(()), Database::commit));
        let touched = std::mem::take(&mut self.touched);
        if let Err(error) = &outcome {
            tracing::error!(%error, "nothing was written");
            if let Some(database) = &self.database {
                database.rollback();
            }
            touched.undo();
        }
        for finish in finishes {
            finish(self, outcome.as_ref().copied());
        }
        self.evict();
        self.keep_log_short();
        stopped
    }

    fn keep_log_short(&mut self) {
        let (Some(database), Some(checkpoint)) = (&self.database, &self.checkpoint) else {
            return;
        };
        let size = database.log_size();
        if size < self.told_at {
            // It was begun anew.
            (self.told_at, self.caught_up_at) = (0, 0);
        }
        if size - self.caught_up_at >= CATCH_UP_AFTER {
            (self.told_at, self.caught_up_at) = (size, size);
            database.checkpoint("PASSIVE");
        } else if size - self.told_at >= CHECKPOINT_AFTER {
            self.told_at = size;
            // One that is under way is enough.
            let _ = checkpoint.try_send(());
        }
    }

    fn store_producers(&self) -> Result<(), StorageError> {
        let Some(database) = &self.database else {
            return Ok(());
        };
        for (partition, id) in self.touched.producers() {
            partition.append_state(|state| match state.producers.get(&id) {
                Some(producer) if !state.deleted => {
                    database.put_producer(partition.id, id, producer)
                }
                _ => Ok(()),
            })?;
        }
        Ok(())
    }

    /// Makes a batch visible.
    pub(super) fn publish_batch(
        &mut self,
        partition: &Arc<Partition>,
        batch: StoredBatch,
        first_unstable: Option<i64>,
    ) {
        self.cached_bytes += batch.bytes.len();
        if self.database.is_some() {
            self.cached.push_back(Arc::clone(partition));
        }
        partition.publish(|view| {
            view.high_watermark = batch.last_offset + 1;
            view.first_unstable = first_unstable;
            view.tail.push(batch);
        });
        partition.waiters.wake();
    }

    /// Changes a partition's tail in another way than by an append.
    pub(super) fn change_tail(
        &mut self,
        partition: &Partition,
        change: impl FnOnce(&mut crate::log::PartitionView),
    ) {
        let (before, after) = partition.publish(|view| {
            let before = view.tail.size();
            change(view);
            (before, view.tail.size())
        });
        self.cached_bytes = self.cached_bytes + after - before;
    }

    /// Whether memory mode has room for `more` bytes.
    pub(super) fn has_room(&self, more: usize) -> Result<(), StorageError> {
        if self.database.is_none() && self.cached_bytes + more > self.cache_limit {
            return Err(StorageError::Full {
                limit: self.cache_limit,
            });
        }
        Ok(())
    }

    /// Drops the oldest batches from memory while there are too many. They
    /// are on disk.
    fn evict(&mut self) {
        while self.cached_bytes > self.cache_limit
            && let Some(partition) = self.cached.pop_front()
        {
            if let Some(batch) = partition.publish(|view| view.tail.pop()) {
                self.cached_bytes -= batch.bytes.len();
            }
        }
        if self.cached.len() >= self.cached_checked_at {
            self.forget_gone();
            self.cached_checked_at = 2 * self.cached.len() + CACHED_UNCHECKED;
        }
    }

    /// Batches leave memory in other ways too: deleted, compacted, with their
    /// topic. Their places in the order of eviction go here.
    fn forget_gone(&mut self) {
        let mut held: FxHashMap<PartitionId, usize> = FxHashMap::default();
        let mut kept: VecDeque<_> = VecDeque::new();
        // The newest are those that are still there.
        for partition in self.cached.drain(..).rev() {
            let held = held
                .entry(partition.id)
                .or_insert_with(|| partition.view(|view| view.tail.len()));
            if *held > 0 {
                *held -= 1;
                kept.push_front(partition);
            }
        }
        self.cached = kept;
    }

    /// Has batches removed from the disk when there is nothing else to do.
    pub(super) fn sweep_later(&mut self, partition: PartitionId, before: i64) {
        if self.database.is_none() {
            return;
        }
        match self.swept.iter_mut().find(|(id, _)| *id == partition) {
            Some((_, known)) => *known = before.max(*known),
            None => self.swept.push((partition, before)),
        }
    }

    /// Does a piece of the work that nobody waits for; `false` when there is
    /// none.
    fn tidy(&mut self) -> bool {
        if self.swept.is_empty() {
            let more = self.shrinking && self.database.as_ref().is_some_and(Database::shrink);
            self.shrinking = more;
            return more;
        }
        self.sweep();
        self.shrinking = self.swept.is_empty();
        true
    }

    fn sweep(&mut self) {
        let (Some(database), Some((partition, before))) =
            (&self.database, self.swept.last().copied())
        else {
            self.swept.clear();
            return;
        };
        match database.remove_before(partition, before, SWEPT_AT_ONCE) {
            Ok(removed) if removed < SWEPT_AT_ONCE as usize => {
                self.swept.pop();
            }
            Ok(_) => {}
            Err(error) => {
                // What stays is found again at the next start.
                tracing::warn!(%error, "deleted records could not be removed from the disk");
                self.swept.clear();
            }
        }
        self.keep_log_short();
    }
}

fn is_about_topics(command: &Command) -> bool {
    matches!(
        command,
        Command::CreateTopic { .. }
            | Command::AddPartitions { .. }
            | Command::Configure { .. }
            | Command::DeleteTopic { .. }
            | Command::Trim { .. }
    )
}

fn weight(command: &Command) -> usize {
    match command {
        Command::Append { batches, .. } => batches.iter().map(|(_, batch)| batch.bytes.len()).sum(),
        Command::Compact { compaction, .. } => compaction
            .rewritten
            .iter()
            .map(|batch| batch.bytes.len())
            .sum(),
        _ => 0,
    }
}
