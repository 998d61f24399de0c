//! The only hand that changes anything which survives a restart.

mod apply;
mod round;
#[cfg(test)]
mod tests;
mod topics;
mod worker;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub(super) use self::worker::Worker;
use super::{Changes, StorageError};
use crate::configs::{ConfigProblem, Edit, Overrides, Scope};
use crate::log::{Partition, SequenceError, StoredBatch, Topic};
use crate::records::ValidBatch;

/// Commands that may wait. Whoever sends more waits for room.
pub(super) const QUEUE: usize = 1024;

/// Sends changes to the writing thread. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    commands: mpsc::Sender<Command>,
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// The timestamp the broker gave; -1 when the client's were kept.
    pub(crate) log_append_time: i64,
    pub(crate) log_start: i64,
}

/// Batches on their way to the disk.
#[derive(Debug)]
pub(crate) struct Appending(oneshot::Receiver<Vec<Result<Appended, AppendError>>>);

impl Appending {
    /// Waits until they are durable and visible, or refused.
    ///
    /// # Errors
    /// The broker is stopping; nothing is known of the batches then.
    pub(crate) async fn done(self) -> Result<Vec<Result<Appended, AppendError>>, StorageError> {
        self.0.await.map_err(|_| StorageError::Stopped)
    }
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("the topic was deleted")]
    Deleted,
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a topic was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopicError {
    #[error("the topic exists already")]
    Exists,
    #[error("the topic doesn't exist")]
    Unknown,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What settings are changed on.
#[derive(Debug, Clone)]
pub(crate) enum ConfigTarget {
    Topic(Arc<Topic>),
    Cluster,
    Node,
}

impl ConfigTarget {
    fn scope(&self) -> Scope {
        match self {
            Self::Topic(_) => Scope::Topic,
            Self::Cluster => Scope::Cluster,
            Self::Node => Scope::Node,
        }
    }
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigureError {
    #[error(transparent)]
    Problem(#[from] ConfigProblem),
    #[error("the topic doesn't exist")]
    Unknown,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The outcome of compacting a stretch of a partition. All of it is in the
/// order of offsets.
#[derive(Debug)]
pub(crate) struct Compaction {
    pub(crate) partition: Arc<Partition>,
    /// Batches with other bytes; each keeps its base and last offset.
    pub(crate) rewritten: Vec<StoredBatch>,
    /// Last offsets of the batches of which nothing is left.
    pub(crate) removed: Vec<i64>,
    /// Offsets of abort markers that are among them: nothing is left of these
    /// transactions, so readers need not be told of them any more.
    pub(crate) forgotten: Vec<i64>,
}

#[derive(Debug)]
pub(super) enum Command {
    Append {
        batches: Vec<(Arc<Partition>, ValidBatch)>,
        done: oneshot::Sender<Vec<Result<Appended, AppendError>>>,
    },
    Apply {
        changes: Changes,
        done: oneshot::Sender<Result<(), StorageError>>,
    },
    CreateTopic {
        name: Arc<str>,
        id: Uuid,
        partitions: i32,
        overrides: Overrides,
        done: oneshot::Sender<Result<Arc<Topic>, TopicError>>,
    },
    AddPartitions {
        topic: Arc<Topic>,
        total: i32,
        done: oneshot::Sender<Result<(), TopicError>>,
    },
    Configure {
        target: ConfigTarget,
        edit: Edit,
        validate_only: bool,
        done: oneshot::Sender<Result<(), ConfigureError>>,
    },
    DeleteTopic {
        topic: Arc<Topic>,
        done: oneshot::Sender<Result<(), TopicError>>,
    },
    Trim {
        partition: Arc<Partition>,
        offset: i64,
        done: oneshot::Sender<Result<i64, TopicError>>,
    },
    Compact {
        compaction: Compaction,
        done: oneshot::Sender<Result<(), StorageError>>,
    },
    ForgetProducers {
        older_than: i64,
    },
    Stop {
        done: oneshot::Sender<()>,
    },
}

impl Writer {
    pub(super) fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, StorageError> {
        let (done, answer) = oneshot::channel();
        self.commands
            .send(command(done))
            .await
            .map_err(|_| StorageError::Stopped)?;
        answer.await.map_err(|_| StorageError::Stopped)
    }

    /// Hands batches over, which fixes their order; what is returned waits for
    /// the outcome of each, in the order given.
    ///
    /// # Errors
    /// The broker is stopping; nothing is known of the batches then.
    pub(crate) async fn append(
        &self,
        batches: Vec<(Arc<Partition>, ValidBatch)>,
    ) -> Result<Appending, StorageError> {
        let (done, answer) = oneshot::channel();
        let command = Command::Append { batches, done };
        self.commands
            .send(command)
            .await
            .map_err(|_| StorageError::Stopped)?;
        Ok(Appending(answer))
    }

    /// Makes all of `changes`, or none. On return they are durable and
    /// visible.
    ///
    /// # Errors
    /// The disk refused, or the broker is stopping.
    pub(crate) async fn apply(&self, changes: Changes) -> Result<(), StorageError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.ask(|done| Command::Apply { changes, done }).await?
    }

    /// Creates a topic with `partitions` partitions. The name was checked.
    ///
    /// # Errors
    /// There is a topic of this name, or the disk refused.
    pub(crate) async fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        overrides: Overrides,
    ) -> Result<Arc<Topic>, TopicError> {
        let (name, id) = (Arc::from(name), Uuid::new_v4());
        self.ask(|done| Command::CreateTopic {
            name,
            id,
            partitions,
            overrides,
            done,
        })
        .await?
    }

    /// Adds partitions until there are `total`. Fewer than there are changes
    /// nothing.
    ///
    /// # Errors
    /// The topic is gone, or the disk refused.
    pub(crate) async fn add_partitions(
        &self,
        topic: Arc<Topic>,
        total: i32,
    ) -> Result<(), TopicError> {
        self.ask(|done| Command::AddPartitions { topic, total, done })
            .await?
    }

    /// Changes what is set on a topic or the broker. Changes follow each
    /// other, so none is lost when two are made at a time.
    ///
    /// # Errors
    /// The change is not allowed, the topic is gone, or the disk refused.
    pub(crate) async fn configure(
        &self,
        target: ConfigTarget,
        edit: Edit,
        validate_only: bool,
    ) -> Result<(), ConfigureError> {
        self.ask(|done| Command::Configure {
            target,
            edit,
            validate_only,
            done,
        })
        .await?
    }

    /// Deletes a topic, its records and the offsets that groups have in it.
    ///
    /// # Errors
    /// The topic is gone already, or the disk refused.
    pub(crate) async fn delete_topic(&self, topic: Arc<Topic>) -> Result<(), TopicError> {
        self.ask(|done| Command::DeleteTopic { topic, done })
            .await?
    }

    /// Moves the log's start to `offset`, never back and never past the end;
    /// returns where it is.
    ///
    /// # Errors
    /// The topic is gone, or the disk refused.
    pub(crate) async fn trim(
        &self,
        partition: Arc<Partition>,
        offset: i64,
    ) -> Result<i64, TopicError> {
        self.ask(|done| Command::Trim {
            partition,
            offset,
            done,
        })
        .await?
    }

    /// Puts the outcome of a compaction in place.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) async fn compact(&self, compaction: Compaction) -> Result<(), StorageError> {
        self.ask(|done| Command::Compact { compaction, done })
            .await?
    }

    /// Forgets idle producers that were last heard of before `older_than`, in
    /// ms since 1970.
    pub(crate) async fn forget_producers(&self, older_than: i64) {
        // Nobody waits for this; a stopping broker need not do it.
        let _ = self
            .commands
            .send(Command::ForgetProducers { older_than })
            .await;
    }

    /// Waits until everything sent before is written, then ends the thread.
    pub(crate) async fn stop(&self) {
        let _ = self.ask(|done| Command::Stop { done }).await;
    }
}
