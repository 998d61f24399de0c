use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use rustc_hash::{FxBuildHasher, FxHashMap};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::command::{Command, Described, Listed, OffsetsToCommit, Protocol, Reply};
use super::producer_ids::{NEXT_PRODUCER_ID, ProducerIds};
use super::shard::Shard;
use super::transaction::{Identity, Transaction};
use crate::groups;
use crate::log::{Catalogue, Partition};
use crate::store::{Change, Changes, StorageError, Writer};

/// Tasks that share the transactional ids. Each handles one request at a time
/// and waits for the disk meanwhile; several let commits share a write.
const SHARDS: usize = 8;

/// Requests that may wait for a shard. Whoever sends more waits for room.
const INBOX: usize = 128;

/// What the coordinator's tasks work with.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) writer: Writer,
    pub(crate) catalogue: Arc<Catalogue>,
    /// Asked by shards, and never asks one.
    pub(crate) groups: groups::Coordinator,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// What was stored before the start.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// The records of kind [`Meta`](crate::store::RecordKind::Meta).
    pub(crate) meta: BTreeMap<String, Vec<u8>>,
    /// The records of kind [`Transaction`](crate::store::RecordKind::Transaction).
    pub(crate) transactions: BTreeMap<String, Vec<u8>>,
}

/// Why the transactions of before could not be taken up again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// Another version wrote it, or the file is damaged.
    #[error("the stored state of {what} can't be read: {source}")]
    Unreadable {
        what: String,
        source: serde_json::Error,
    },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The transaction coordinator, as handlers see it.
#[derive(Debug)]
pub(crate) struct Coordinator {
    producer_ids: ProducerIds,
    shards: Vec<mpsc::Sender<Command>>,
}

impl Coordinator {
    /// Takes up what was stored, and starts. Transactions that were open are
    /// open again; their time has run on.
    ///
    /// # Errors
    /// Something stored can't be read, or the store refuses.
    pub(crate) async fn start(shared: Shared, stored: &Stored) -> Result<Self, RestoreError> {
        let next_id = match stored.meta.get(NEXT_PRODUCER_ID) {
            Some(value) => Some(read(value, || "the next producer id".into())?),
            None => None,
        };
        let mut restored: Vec<FxHashMap<Arc<str>, Transaction>> = Vec::new();
        restored.resize_with(SHARDS, FxHashMap::default);
        let mut changes = Changes::new();
        for (id, value) in &stored.transactions {
            let transaction: Transaction = read(value, || format!("transactional id {id:?}"))?;
            if transaction.is_ongoing() {
                changes = reenter(changes, &transaction, &shared.catalogue);
            }
            restored[shard_of(id)].insert(Arc::from(id.as_str()), transaction);
        }
        // Partitions forget this when the broker ends.
        shared.writer.apply(changes).await?;
        let producer_ids = ProducerIds::start(&shared, next_id);
        let shards = restored
            .into_iter()
            .map(|transactions| {
                let (sender, inbox) = mpsc::channel(INBOX);
                let shard = Shard::new(&shared, producer_ids.clone(), transactions);
                shared
                    .tasks
                    .spawn(shard.run(inbox, shared.stopping.clone()));
                sender
            })
            .collect();
        Ok(Self {
            producer_ids,
            shards,
        })
    }

    /// An id for a producer without transactions, at epoch 0.
    pub(crate) async fn idempotent_producer(&self) -> Result<Identity, ResponseError> {
        let producer_id = self.producer_ids.take().await?;
        Ok(Identity {
            producer_id,
            epoch: 0,
        })
    }

    /// Who the producer with this transactional id is from now on.
    ///
    /// # Errors
    /// `CONCURRENT_TRANSACTIONS` when a transaction had to be aborted first:
    /// the producer asks again.
    pub(crate) async fn init(
        &self,
        id: &str,
        timeout_ms: i32,
        claimed: Option<Identity>,
    ) -> Result<Identity, ResponseError> {
        self.ask(id, |id, reply| Command::Init {
            id,
            timeout_ms,
            claimed,
            reply,
        })
        .await
    }

    /// Takes partitions into the producer's transaction, and begins one if
    /// none is open.
    pub(crate) async fn add_partitions(
        &self,
        id: &str,
        who: Identity,
        partitions: Vec<Arc<Partition>>,
        protocol: Protocol,
    ) -> Result<(), ResponseError> {
        self.ask(id, |id, reply| Command::Enlist {
            id,
            who,
            partitions,
            group: None,
            protocol,
            reply,
        })
        .await
    }

    /// Takes a group into the producer's transaction, and begins one if none
    /// is open.
    pub(crate) async fn add_group(
        &self,
        id: &str,
        who: Identity,
        group: &str,
    ) -> Result<(), ResponseError> {
        let group = Some(Arc::from(group));
        self.ask(id, |id, reply| Command::Enlist {
            id,
            who,
            partitions: Vec::new(),
            group,
            protocol: Protocol::V1,
            reply,
        })
        .await
    }

    /// Keeps offsets until the producer's transaction ends.
    ///
    /// # Errors
    /// `TRANSACTION_ABORTABLE` when the group is not in the transaction; what
    /// the group answers when the sender may not commit to it.
    pub(crate) async fn commit_offsets(
        &self,
        id: &str,
        who: Identity,
        offsets: OffsetsToCommit,
        protocol: Protocol,
    ) -> Result<(), ResponseError> {
        self.ask(id, |id, reply| Command::CommitOffsets {
            id,
            who,
            offsets,
            protocol,
            reply,
        })
        .await
    }

    /// Commits or aborts; returns who the producer is from now on.
    pub(crate) async fn end(
        &self,
        id: &str,
        who: Identity,
        commit: bool,
        protocol: Protocol,
    ) -> Result<Identity, ResponseError> {
        self.ask(id, |id, reply| Command::End {
            id,
            who,
            commit,
            protocol,
            reply,
        })
        .await
    }

    /// Whether this producer is the one that the transactional id belongs to.
    pub(crate) async fn check(&self, id: &str, who: Identity) -> Result<(), ResponseError> {
        self.ask(id, |id, reply| Command::Check { id, who, reply })
            .await
    }

    /// # Errors
    /// `TRANSACTIONAL_ID_NOT_FOUND`.
    pub(crate) async fn describe(&self, id: &str) -> Result<Described, ResponseError> {
        self.ask(id, |id, reply| Command::Describe { id, reply })
            .await
    }

    /// All transactional ids, in no order.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, ResponseError> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(ask(shard, |reply| Command::List { reply }).await?);
        }
        Ok(all)
    }

    async fn ask<T>(
        &self,
        id: &str,
        command: impl FnOnce(Arc<str>, Reply<T>) -> Command,
    ) -> Result<T, ResponseError> {
        let Some(shard) = self.shards.get(shard_of(id)) else {
            return Err(ResponseError::CoordinatorNotAvailable);
        };
        ask(shard, |reply| command(Arc::from(id), reply)).await
    }
}

async fn ask<T>(
    shard: &mpsc::Sender<Command>,
    command: impl FnOnce(Reply<T>) -> Command,
) -> Result<T, ResponseError> {
    let (reply, answer) = oneshot::channel();
    // The shard ends only with the broker.
    let stopping = ResponseError::CoordinatorNotAvailable;
    shard.send(command(reply)).await.map_err(|_| stopping)?;
    answer.await.map_err(|_| stopping)?
}

fn shard_of(id: &str) -> usize {
    (FxBuildHasher.hash_one(id) % SHARDS as u64) as usize
}

fn read<T: serde::de::DeserializeOwned>(
    value: &[u8],
    what: impl FnOnce() -> String,
) -> Result<T, RestoreError> {
    serde_json::from_slice(value).map_err(|source| RestoreError::Unreadable {
        what: what(),
        source,
    })
}

fn reenter(changes: Changes, transaction: &Transaction, catalogue: &Catalogue) -> Changes {
    transaction
        .partitions()
        .filter_map(|(topic, index)| catalogue.partition(topic, index))
        .fold(changes, |changes, partition| {
            changes.with(Change::EnterTransaction {
                partition,
                producer_id: transaction.producer_id,
                epoch: transaction.epoch,
                from_zero: transaction.version_2,
            })
        })
}
