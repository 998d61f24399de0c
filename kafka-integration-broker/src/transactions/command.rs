use std::sync::Arc;

use kafka_protocol::ResponseError;
use tokio::sync::oneshot;

use super::transaction::{Identity, State};
use crate::groups::{CommitClaim, CommittedOffset, TopicPartition};
use crate::log::Partition;

/// A version of the transaction protocol, as the client's request shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Partitions and groups are named first; the epoch stays.
    V1,
    /// Writing begins a transaction; each end raises the epoch.
    V2,
}

/// Offsets that become visible with the transaction.
#[derive(Debug)]
pub(crate) struct OffsetsToCommit {
    pub(crate) group: Arc<str>,
    /// Who says so to the group.
    pub(crate) claim: CommitClaim,
    pub(crate) offsets: Vec<(TopicPartition, CommittedOffset)>,
}

/// A transactional id in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) identity: Identity,
    pub(crate) state: State,
    pub(crate) timeout_ms: i32,
    /// In ms since 1970; -1 before the first transaction.
    pub(crate) started: i64,
    /// Indexes by topic.
    pub(crate) partitions: Vec<(String, Vec<i32>)>,
}

/// A transactional id in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) transactional_id: Arc<str>,
    pub(crate) producer_id: i64,
    pub(crate) state: State,
    /// In ms since 1970; -1 before the first transaction.
    pub(crate) started: i64,
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, ResponseError>>;

/// What a shard is asked.
#[derive(Debug)]
pub(super) enum Command {
    Init {
        id: Arc<str>,
        timeout_ms: i32,
        claimed: Option<Identity>,
        reply: Reply<Identity>,
    },
    Enlist {
        id: Arc<str>,
        who: Identity,
        partitions: Vec<Arc<Partition>>,
        group: Option<Arc<str>>,
        protocol: Protocol,
        reply: Reply<()>,
    },
    CommitOffsets {
        id: Arc<str>,
        who: Identity,
        offsets: OffsetsToCommit,
        protocol: Protocol,
        reply: Reply<()>,
    },
    End {
        id: Arc<str>,
        who: Identity,
        commit: bool,
        protocol: Protocol,
        reply: Reply<Identity>,
    },
    /// Whether the producer is who it says it is.
    Check {
        id: Arc<str>,
        who: Identity,
        reply: Reply<()>,
    },
    Describe {
        id: Arc<str>,
        reply: Reply<Described>,
    },
    List {
        reply: Reply<Vec<Listed>>,
    },
}
