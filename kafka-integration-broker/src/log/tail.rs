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

    /// How many batches there are.
    pub(crate) fn len(&self) -> usize {
        self.batches.len()
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

    /// Puts batches in the place of those that end at the same offsets, and
    /// removes those that end at the offsets `removed`, as far as they are
    /// held. Both are in offset order.
    pub(crate) fn compact(&mut self, rewritten: Vec<StoredBatch>, removed: &[i64]) {
        let mut rewritten = rewritten.into_iter().peekable();
        let mut removed = removed.iter().copied().peekable();
        let mut size = 0;
        self.batches.retain_mut(|batch| {
            let last = batch.last_offset;
            while removed.next_if(|offset| *offset < last).is_some() {}
            if removed.next_if_eq(&last).is_some() {
                return false;
            }
            while rewritten.next_if(|new| new.last_offset < last).is_some() {}
            if let Some(new) = rewritten.next_if(|new| new.last_offset == last) {
                *batch = new;
            }
            size += batch.bytes.len();
            true
        });
        self.size = size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(base_offset: i64, last_offset: i64, size: usize) -> StoredBatch {
        StoredBatch {
            base_offset,
            last_offset,
            max_timestamp: 0,
            bytes: Bytes::from(vec![0; size]),
        }
    }

    #[test]
    fn compaction_changes_what_is_held_and_nothing_else() {
        let mut tail = Tail::default();
        for at in [10, 20, 30, 40] {
            tail.push(batch(at, at + 9, 100));
        }
        // Some left the tail before.
        let rewritten = vec![batch(0, 9, 1), batch(20, 29, 5), batch(40, 49, 7)];
        tail.compact(rewritten, &[5, 19, 35]);
        let held: Vec<(i64, usize)> = tail
            .from(0)
            .map(|batch| (batch.base_offset, batch.bytes.len()))
            .collect();
        assert_eq!(held, [(20, 5), (30, 100), (40, 7)]);
        assert_eq!(tail.size(), 112);
    }
}
