use std::sync::Arc;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A partition by name. Offsets are kept by name, as a group may commit for a
/// topic that comes later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicPartition {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

/// An offset that a group committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: i64,
    /// -1 when the client sent none.
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
    /// When it was committed, in ms since 1970.
    pub(crate) timestamp: i64,
}

/// The offsets of one group.
#[derive(Debug, Default, Clone)]
pub(crate) struct GroupOffsets {
    pub(crate) committed: FxHashMap<TopicPartition, CommittedOffset>,
    /// By producer id: what becomes visible when its transaction commits.
    pub(crate) pending: FxHashMap<i64, FxHashMap<TopicPartition, CommittedOffset>>,
}

impl GroupOffsets {
    /// Whether a transaction that is still open has an offset for `partition`.
    pub(crate) fn is_pending(&self, partition: &TopicPartition) -> bool {
        self.pending
            .values()
            .any(|offsets| offsets.contains_key(partition))
    }

    /// Takes in offsets committed outside a transaction. Pending ones that
    /// they are later than stay pending, as a fact, but with the later value:
    /// whatever the transaction's end, that one remains.
    pub(crate) fn commit(&mut self, offsets: Vec<(TopicPartition, CommittedOffset)>) {
        for pending in self.pending.values_mut() {
            for (at, offset) in &offsets {
                if let Some(place) = pending.get_mut(at) {
                    place.clone_from(offset);
                }
            }
        }
        self.committed.extend(offsets);
    }

    fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }
}

/// All committed offsets. The writer changes them once they are durable;
/// everybody else reads.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    groups: RwLock<FxHashMap<Arc<str>, GroupOffsets>>,
}

impl Offsets {
    /// Looks at the offsets of a group; `None` when it has none.
    pub(crate) fn group<T>(&self, group: &str, look: impl FnOnce(Option<&GroupOffsets>) -> T) -> T {
        look(self.groups.read().get(group))
    }

    /// The groups that have offsets.
    pub(crate) fn groups(&self) -> Vec<Arc<str>> {
        self.groups.read().keys().cloned().collect()
    }

    /// For the writer alone.
    pub(crate) fn publish(&self, group: &Arc<str>, change: impl FnOnce(&mut GroupOffsets)) {
        let mut groups = self.groups.write();
        let offsets = groups.entry(Arc::clone(group)).or_default();
        change(offsets);
        if offsets.is_empty() {
            groups.remove(group);
        }
    }
}
