use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::EXPIRATION_MS;

/// A producer id with its epoch: who somebody is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

/// Where a transactional id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// It has an identity and has done nothing with it.
    Empty,
    Ongoing,
    CompleteCommit,
    CompleteAbort,
}

impl State {
    /// The name Kafka gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }
}

/// What is known of a transactional id; this is also what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub(super) producer_id: i64,
    pub(super) epoch: i16,
    /// The producer id before this one, when epochs ran out; else -1.
    pub(super) previous_producer_id: i64,
    /// The epoch that the producer had before this one, if it may not have
    /// heard of this one; else -1.
    pub(super) last_epoch: i16,
    pub(super) timeout_ms: i32,
    pub(super) state: State,
    pub(super) partitions: BTreeMap<String, BTreeSet<i32>>,
    /// Groups that it commits offsets for.
    pub(super) groups: BTreeSet<String>,
    /// The open transaction was begun by writing, see [`super::Protocol::V2`].
    pub(super) version_2: bool,
    /// When the transaction began, in ms since 1970; -1 before the first.
    pub(super) started: i64,
    /// When anything last happened, in ms since 1970.
    pub(super) updated: i64,
}

impl Transaction {
    pub(super) fn new(producer_id: i64, timeout_ms: i32, now: i64) -> Self {
        Self {
            producer_id,
            epoch: 0,
            previous_producer_id: -1,
            last_epoch: -1,
            timeout_ms,
            state: State::Empty,
            partitions: BTreeMap::new(),
            groups: BTreeSet::new(),
            version_2: false,
            started: -1,
            updated: now,
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            producer_id: self.producer_id,
            epoch: self.epoch,
        }
    }

    pub(super) fn is_ongoing(&self) -> bool {
        self.state == State::Ongoing
    }

    /// When something must be done without being asked, in ms since 1970: an
    /// open transaction is aborted, an unused id forgotten.
    pub(super) fn deadline(&self) -> i64 {
        match self.state {
            State::Ongoing => self.started.saturating_add(i64::from(self.timeout_ms)),
            State::Empty | State::CompleteCommit | State::CompleteAbort => {
                self.updated.saturating_add(EXPIRATION_MS)
            }
        }
    }

    /// Every partition, by topic and index.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (&str, i32)> {
        self.partitions
            .iter()
            .flat_map(|(topic, indexes)| indexes.iter().map(|index| (topic.as_str(), *index)))
    }
}

/// The last epoch a producer is given. One more is kept back, so that it can
/// always be fenced.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// Whether a producer at `epoch` can't be given another one.
pub(super) fn is_exhausted(epoch: i16) -> bool {
    epoch >= LAST_EPOCH
}
