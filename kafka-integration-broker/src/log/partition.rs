use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::{AppendState, StoredBatch, Tail, Waiters};
use crate::store::{BatchInfo, Reader, StorageError};

/// A partition's number in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PartitionId(pub(crate) i64);

/// A transaction whose records `read_committed` readers must skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AbortedTransaction {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    /// The offset of its abort marker.
    pub(crate) last_offset: i64,
}

/// One partition's log.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) topic_name: Arc<str>,
    pub(crate) index: i32,
    /// Who waits for an append, the end of a transaction, or the deletion.
    pub(crate) waiters: Waiters,
    view: RwLock<PartitionView>,
    /// What the writer decides by; nobody else changes it.
    append: Mutex<AppendState>,
}

/// What is committed.
#[derive(Debug, Default)]
pub(crate) struct PartitionView {
    pub(crate) log_start: i64,
    /// Where the next record goes. With one node the high watermark is the
    /// end of the log.
    pub(crate) high_watermark: i64,
    /// The first offset of the oldest open transaction.
    pub(crate) first_unstable: Option<i64>,
    /// In order of `last_offset`.
    pub(crate) aborted: Vec<AbortedTransaction>,
    /// How often some of `aborted` were forgotten. Whoever reads records and
    /// then this list must have seen the same number before: otherwise the two
    /// may not belong together.
    pub(crate) forgettings: u64,
    pub(crate) tail: Tail,
    /// The topic is gone.
    pub(crate) deleted: bool,
}

impl PartitionView {
    /// Forgets aborted transactions of which nothing can be read any more.
    pub(crate) fn forget_aborted(&mut self, gone: impl Fn(&AbortedTransaction) -> bool) {
        let before = self.aborted.len();
        self.aborted.retain(|aborted| !gone(aborted));
        if self.aborted.len() < before {
            self.forgettings += 1;
        }
    }

    /// No `read_committed` reader sees this offset or a later one.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        match self.first_unstable {
            // The records before the log's start are gone, open or not.
            Some(first) => first.max(self.log_start),
            None => self.high_watermark,
        }
    }
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the topic was deleted")]
    Deleted,
    #[error("offset out of range")]
    OutOfRange,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Partition {
    pub(crate) fn new(
        id: PartitionId,
        topic_name: Arc<str>,
        index: i32,
        view: PartitionView,
        append: AppendState,
    ) -> Self {
        Self {
            id,
            topic_name,
            index,
            waiters: Waiters::default(),
            view: RwLock::new(view),
            append: Mutex::new(append),
        }
    }

    /// Looks at what is committed. Do little in `look`: the writer waits.
    pub(crate) fn view<T>(&self, look: impl FnOnce(&PartitionView) -> T) -> T {
        look(&self.view.read())
    }

    /// For the writer alone: makes a durable change visible.
    pub(crate) fn publish<T>(&self, change: impl FnOnce(&mut PartitionView) -> T) -> T {
        change(&mut self.view.write())
    }

    /// For the writer; and for those who describe producers.
    pub(crate) fn append_state<T>(&self, with: impl FnOnce(&mut AppendState) -> T) -> T {
        with(&mut self.append.lock())
    }

    /// What is known of up to `limit` batches, from the one that contains
    /// `offset` on, without their records.
    pub(crate) async fn infos(
        &self,
        reader: &Reader,
        offset: i64,
        limit: u32,
    ) -> Result<Vec<BatchInfo>, StorageError> {
        if !reader.is_memory() {
            return reader.infos(self.id, offset, limit).await;
        }
        let info = |batch: &StoredBatch| BatchInfo {
            base_offset: batch.base_offset,
            last_offset: batch.last_offset,
            max_timestamp: batch.max_timestamp,
            size: batch.bytes.len() as i64,
        };
        Ok(self.view(|view| {
            let batches = view.tail.from(offset).take(limit as usize);
            batches.map(info).collect()
        }))
    }

    /// Whole batches from the one that contains `offset` on, none of which
    /// begins at `end` or later, of `max_bytes` at most; the first may be
    /// larger when `at_least_one`.
    ///
    /// # Errors
    /// The topic is gone, `offset` lies before the log's start or beyond its
    /// end, or the disk could not be read.
    pub(crate) async fn read(
        &self,
        reader: &Reader,
        offset: i64,
        end: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Vec<Bytes>, ReadError> {
        let from_tail = {
            let view = self.view.read();
            if view.deleted {
                return Err(ReadError::Deleted);
            }
            if offset < view.log_start || offset > view.high_watermark {
                return Err(ReadError::OutOfRange);
            }
            if offset >= end.min(view.high_watermark) {
                return Ok(Vec::new());
            }
            match view.tail.first_offset() {
                Some(first) if first <= offset || reader.is_memory() => {
                    Some(take(view.tail.from(offset), end, max_bytes, at_least_one))
                }
                None if reader.is_memory() => Some(Vec::new()),
                _ => None,
            }
        };
        match from_tail {
            Some(batches) => Ok(batches),
            None => Ok(reader
                .batches(self.id, offset, end, max_bytes, at_least_one)
                .await?),
        }
    }
}

fn take<'a>(
    batches: impl Iterator<Item = &'a StoredBatch>,
    end: i64,
    max_bytes: usize,
    at_least_one: bool,
) -> Vec<Bytes> {
    let mut taken = Vec::new();
    let mut size = 0;
    for batch in batches.take_while(|batch| batch.base_offset < end) {
        size += batch.bytes.len();
        if size > max_bytes && !(taken.is_empty() && at_least_one) {
            break;
        }
        taken.push(batch.bytes.clone());
    }
    taken
}
