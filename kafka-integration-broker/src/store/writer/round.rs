//! One group commit: what it touched, so that it can be undone.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::log::{AppendState, Partition, PartitionId, Producer};

/// What partitions were before the transaction that now runs.
#[derive(Debug, Default)]
pub(super) struct Touched {
    partitions: FxHashMap<PartitionId, Before>,
    /// Whose offsets of which group became pending; not published yet.
    pending: FxHashMap<Arc<str>, FxHashSet<i64>>,
}

#[derive(Debug)]
struct Before {
    partition: Arc<Partition>,
    next_offset: i64,
    running_max_timestamp: Option<i64>,
    producers: FxHashMap<i64, Option<Producer>>,
}

impl Touched {
    /// Remembers `partition` and one of its producers as they are, unless they
    /// were remembered already.
    pub(super) fn remember(
        &mut self,
        partition: &Arc<Partition>,
        state: &AppendState,
        producer_id: Option<i64>,
    ) {
        let before = self
            .partitions
            .entry(partition.id)
            .or_insert_with(|| Before {
                partition: Arc::clone(partition),
                next_offset: state.next_offset,
                running_max_timestamp: state.running_max_timestamp,
                producers: FxHashMap::default(),
            });
        if let Some(id) = producer_id {
            before
                .producers
                .entry(id)
                .or_insert_with(|| state.producers.get(&id).cloned());
        }
    }

    /// Remembers that a producer's offsets of a group became pending.
    pub(super) fn add_pending(&mut self, group: &Arc<str>, producer_id: i64) {
        let producers = self.pending.entry(Arc::clone(group)).or_default();
        producers.insert(producer_id);
    }

    /// The producers whose offsets of a group became pending.
    pub(super) fn pending(&self, group: &str) -> impl Iterator<Item = i64> {
        self.pending.get(group).into_iter().flatten().copied()
    }

    /// The producers whose state may have changed.
    pub(super) fn producers(&self) -> impl Iterator<Item = (&Arc<Partition>, i64)> {
        self.partitions
            .values()
            .flat_map(|before| before.producers.keys().map(|id| (&before.partition, *id)))
    }

    /// Puts everything back, after a transaction that failed.
    pub(super) fn undo(self) {
        for before in self.partitions.into_values() {
            before.partition.append_state(|state| {
                state.next_offset = before.next_offset;
                state.running_max_timestamp = before.running_max_timestamp;
                for (id, producer) in before.producers {
                    if let Some(first) = state.producers.get(&id).and_then(|now| now.open_since) {
                        state.open.remove(&(first, id));
                    }
                    match producer {
                        Some(producer) => {
                            if let Some(first) = producer.open_since {
                                state.open.insert((first, id));
                            }
                            state.producers.insert(id, producer);
                        }
                        None => {
                            state.producers.remove(&id);
                        }
                    }
                }
            });
        }
    }
}
