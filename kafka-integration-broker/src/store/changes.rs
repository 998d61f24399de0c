use std::sync::Arc;

use crate::groups::{CommittedOffset, TopicPartition};
use crate::log::Partition;

/// What a stored record is about. Each kind has its own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum RecordKind {
    /// Cluster id, next producer id.
    Meta = 0,
    /// A group's members and generation, by group id.
    Group = 1,
    /// A transactional id's state.
    Transaction = 2,
    /// Settings of the broker.
    BrokerConfig = 3,
    /// SCRAM credentials by user.
    Credential = 4,
}

impl RecordKind {
    /// The kind a row names; `None` for one of a later version.
    pub(super) fn from_number(number: i64) -> Option<Self> {
        [
            Self::Meta,
            Self::Group,
            Self::Transaction,
            Self::BrokerConfig,
            Self::Credential,
        ]
        .into_iter()
        .find(|kind| *kind as i64 == number)
    }
}

/// The end of a transaction on one partition.
#[derive(Debug, Clone)]
pub(crate) struct Marker {
    pub(crate) partition: Arc<Partition>,
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) commit: bool,
    pub(crate) coordinator_epoch: i32,
}

/// One thing to change.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Stores a record; `None` removes it.
    Record {
        kind: RecordKind,
        key: String,
        value: Option<Vec<u8>>,
    },
    /// Offsets of a group, visible at once.
    Offsets {
        group: Arc<str>,
        offsets: Vec<(TopicPartition, CommittedOffset)>,
    },
    /// Removes offsets; `None` removes all of the group, pending ones too.
    RemoveOffsets {
        group: Arc<str>,
        partitions: Option<Vec<TopicPartition>>,
    },
    /// Offsets that become visible if the producer's transaction commits.
    PendingOffsets {
        producer_id: i64,
        group: Arc<str>,
        offsets: Vec<(TopicPartition, CommittedOffset)>,
    },
    /// Makes a producer's pending offsets in a group visible, or drops them.
    ResolveOffsets {
        producer_id: i64,
        group: Arc<str>,
        commit: bool,
    },
    /// Lets a producer write transactional batches to a partition. Not stored:
    /// said again after a restart.
    EnterTransaction {
        partition: Arc<Partition>,
        producer_id: i64,
        epoch: i16,
        /// Where nothing is known of the producer its first sequence number
        /// must be 0; otherwise it may be any.
        from_zero: bool,
    },
    /// Appends a marker. Nothing happens if the topic is gone.
    Marker(Marker),
}

/// Changes that happen together or not at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(super) list: Vec<Change>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a change. They are made in the order they were added.
    pub(crate) fn with(mut self, change: Change) -> Self {
        self.list.push(change);
        self
    }

    /// Adds other changes, after these.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self
    }

    /// Adds a record to store.
    pub(crate) fn put(self, kind: RecordKind, key: impl Into<String>, value: Vec<u8>) -> Self {
        self.with(Change::Record {
            kind,
            key: key.into(),
            value: Some(value),
        })
    }

    /// Adds the removal of a record.
    pub(crate) fn remove(self, kind: RecordKind, key: impl Into<String>) -> Self {
        self.with(Change::Record {
            kind,
            key: key.into(),
            value: None,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
