use std::collections::VecDeque;

use bytes::Bytes;

/// One batch as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredBatch {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) bytes: Bytes,
}

/// The newest batches of a partition, in offset order. On disk: those that
/// fit into the cache. In memory: all there are.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    batches: VecDeque<StoredBatch>,
    size: usize,
}

impl Tail {
    pub(crate) fn push(&mut self, batch: StoredBatch) {
        self.size += batch.bytes.len();
        self.batches.push_back(batch);
    }

    /// Removes the oldest batch, and returns it.
    pub(crate) fn pop(&mut self) -> Option<StoredBatch> {
        let batch = self.batches.pop_front()?;
        self.size -= batch.bytes.len();
        Some(batch)
    }

    /// Bytes of all batches.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where the oldest batch held begins; `None` when there is none.
    pub(crate) fn first_offset(&self) -> Option<i64> {
        self.batches.front().map(|batch| batch.base_offset)
    }

    /// The batches from the one that contains `offset` on, or from the next
    /// one when `offset` lies in a hole.
    pub(crate) fn from(&self, offset: i64) -> impl Iterator<Item = &StoredBatch> {
        let at = self
            .batches
            .partition_point(|batch| batch.last_offset < offset);
        self.batches.range(at..)
    }

    /// Forgets the batches that end before `start`.
    pub(crate) fn trim(&mut self, start: i64) {
        while self
            .batches
            .front()
            .is_some_and(|batch| batch.last_offset < start)
        {
            self.pop();
        }
    }

    /// Puts `new` in place of the batches from `from` to `to`, offsets
    /// inclusive, as far as they are held.
    pub(crate) fn replace(&mut self, from: i64, to: i64, new: Vec<StoredBatch>) {
        let begin = self
            .batches
            .partition_point(|batch| batch.last_offset < from);
        let end = self
            .batches
            .partition_point(|batch| batch.last_offset <= to);
        if begin == end {
            return;
        }
        let after = self.batches.split_off(end);
        self.batches.truncate(begin);
        self.batches.extend(new);
        self.batches.extend(after);
        self.size = self.batches.iter().map(|batch| batch.bytes.len()).sum();
    }
}
