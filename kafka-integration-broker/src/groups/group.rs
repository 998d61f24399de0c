//! A group's task: it owns the group's state, and does one thing at a time.

use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::ResponseError;
use tokio::sync::mpsc;

use super::classic::ClassicGroup;
use super::command::{Command, CommitClaim, Reply};
use super::coordinator::Shared;
use super::stored::StoredGroup;
use super::{CommittedOffset, TopicPartition};
use crate::store::{Change, Changes, RecordKind};

/// Commands taken from the inbox at a time; commits among them that follow
/// each other are stored together.
const BATCH: usize = 64;

/// Which protocol a group follows. A group that was never joined, or has been
/// deleted, is an unused classic one.
#[derive(Debug)]
pub(super) enum Kind {
    Classic(ClassicGroup),
}

impl Kind {
    pub(super) fn unused(id: &Arc<str>, shared: &Shared) -> Self {
        Self::Classic(ClassicGroup::new(
            Arc::clone(id),
            Arc::clone(&shared.settings),
        ))
    }

    pub(super) fn restore(
        id: &Arc<str>,
        stored: StoredGroup,
        shared: &Shared,
        now: Instant,
    ) -> Self {
        let (id, settings) = (Arc::clone(id), Arc::clone(&shared.settings));
        match stored {
            StoredGroup::Classic(stored) => {
                Self::Classic(ClassicGroup::restore(id, settings, stored, now))
            }
        }
    }

    fn stored(&self) -> Option<StoredGroup> {
        match self {
            Self::Classic(group) => group.stored().map(StoredGroup::Classic),
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Classic(group) => group.next_deadline(),
        }
    }

    fn tick(&mut self, now: Instant) {
        match self {
            Self::Classic(group) => group.tick(now),
        }
    }

    fn is_idle(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_idle(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_empty(),
        }
    }

    fn is_unused(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_unused(),
        }
    }

    fn is_subscribed(&self, topic: &str) -> bool {
        match self {
            Self::Classic(group) => group.is_subscribed(topic),
        }
    }

    fn check_commit(&self, claim: &CommitClaim) -> Result<(), ResponseError> {
        match self {
            Self::Classic(group) => group.check_commit(claim),
        }
    }

    fn committed(&mut self, claim: &CommitClaim, now: Instant) {
        match self {
            Self::Classic(group) => group.committed(claim, now),
        }
    }

    fn check_delete_offsets(&self) -> Result<(), ResponseError> {
        match self {
            Self::Classic(group) => group.check_delete_offsets(),
        }
    }

    fn unused_since(&self, topic: &str, offset: &CommittedOffset) -> Option<i64> {
        match self {
            Self::Classic(group) => group.unused_since(topic, offset),
        }
    }

    fn force_rebalance(&mut self, now: Instant) {
        match self {
            Self::Classic(group) => group.force_rebalance(now),
        }
    }

    pub(super) fn listed(&self) -> kafka_protocol::messages::list_groups_response::ListedGroup {
        match self {
            Self::Classic(group) => group.listed(),
        }
    }
}

/// The task of one group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Arc<str>,
    pub(super) kind: Kind,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: mpsc::Receiver<Command>,
}

/// Commits that were allowed, on their way to the store.
#[derive(Debug, Default)]
struct Commits {
    changes: Changes,
    replies: Vec<Reply<Result<(), ResponseError>>>,
}

fn now() -> Instant {
    // Tokio's clock, which tests can turn.
    tokio::time::Instant::now().into_std()
}

impl Group {
    /// Runs until the group is nothing more than what is stored of it, or the
    /// broker stops.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let stopping = self.shared.stopping.clone();
        loop {
            let deadline = self.kind.next_deadline();
            tokio::select! {
                () = stopping.cancelled() => return,
                received = self.inbox.recv_many(&mut batch, BATCH) => if received == 0 {
                    return;
                },
                () = sleep_until(deadline) => {
                    self.kind.tick(now());
                    self.save().await;
                }
            }
            self.handle(&mut batch).await;
            if self.kind.is_idle()
                && self
                    .shared
                    .retire(&self.id, &self.inbox, self.kind.stored())
            {
                return;
            }
        }
    }

    async fn handle(&mut self, batch: &mut Vec<Command>) {
        let mut commits = Commits::default();
        for command in batch.drain(..) {
            match command {
                Command::Commit {
                    claim,
                    offsets,
                    reply,
                } => match self.check_commit(&claim) {
                    Ok(()) => {
                        self.kind.committed(&claim, now());
                        commits.replies.push(reply);
                        commits.changes = commits.changes.with(Change::Offsets {
                            group: Arc::clone(&self.id),
                            offsets,
                        });
                    }
                    Err(error) => {
                        let _ = reply.send(Err(error));
                    }
                },
                other => {
                    self.store(&mut commits).await;
                    self.answer(other).await;
                    self.save().await;
                }
            }
        }
        self.store(&mut commits).await;
    }

    async fn store(&self, commits: &mut Commits) {
        let Commits { changes, replies } = std::mem::take(commits);
        let outcome = self.apply(changes).await;
        for reply in replies {
            let _ = reply.send(outcome);
        }
    }

    async fn answer(&mut self, command: Command) {
        match command {
            Command::Join {
                client,
                request,
                reply,
            } => match &mut self.kind {
                Kind::Classic(group) => group.join(&client, request, reply, now()),
            },
            Command::Sync { request, reply } => match &mut self.kind {
                Kind::Classic(group) => group.sync(&request, reply),
            },
            Command::Heartbeat { request, reply } => {
                let _ = reply.send(match &mut self.kind {
                    Kind::Classic(group) => group.heartbeat(&request, now()),
                });
            }
            Command::Leave { request, reply } => {
                let response = match &mut self.kind {
                    Kind::Classic(group) => group.leave(&request, now()),
                };
                // Whoever asks next shall find it done.
                self.save().await;
                let _ = reply.send(response);
            }
            Command::Commit { .. } => {}
            Command::CheckCommit { claim, reply } => {
                let _ = reply.send(self.check_commit(&claim));
            }
            Command::Describe { reply } => {
                let known = self.exists();
                let _ = reply.send(match &self.kind {
                    Kind::Classic(group) => known.then(|| group.describe()),
                });
            }
            Command::List { reply } => {
                let _ = reply.send(self.kind.listed());
            }
            Command::Delete { reply } => {
                let _ = reply.send(self.delete().await);
            }
            Command::DeleteOffsets { partitions, reply } => {
                let _ = reply.send(self.delete_offsets(partitions).await);
            }
            Command::ForceRebalance { reply } => {
                self.kind.force_rebalance(now());
                let _ = reply.send(());
            }
            Command::Expire { now_ms, reply } => {
                self.expire(now_ms).await;
                let _ = reply.send(());
            }
        }
    }

    /// Stores what has to be stored before anything else happens.
    async fn save(&mut self) {
        loop {
            let stored = match &self.kind {
                Kind::Classic(group) => group.unsaved().map(StoredGroup::Classic),
            };
            let Some(stored) = stored else { return };
            let done = self.write(&stored).await.is_ok();
            match &mut self.kind {
                Kind::Classic(group) => group.saved(done, now()),
            }
        }
    }

    async fn write(&self, stored: &StoredGroup) -> Result<(), ResponseError> {
        match serde_json::to_vec(stored) {
            Ok(bytes) => {
                let changes = Changes::new().put(RecordKind::Group, &*self.id, bytes);
                self.apply(changes).await
            }
            Err(error) => {
                tracing::error!(group = &*self.id, %error, "a group could not be written down");
                Err(ResponseError::CoordinatorNotAvailable)
            }
        }
    }

    async fn apply(&self, changes: Changes) -> Result<(), ResponseError> {
        self.shared.writer.apply(changes).await.map_err(|error| {
            tracing::warn!(group = &*self.id, %error, "a change of a group could not be stored");
            ResponseError::CoordinatorNotAvailable
        })
    }

    fn exists(&self) -> bool {
        !self.kind.is_unused() || self.shared.has_offsets(&self.id)
    }

    fn check_commit(&self, claim: &CommitClaim) -> Result<(), ResponseError> {
        if claim.generation >= 0 && !self.exists() {
            return Err(unknown_to_commit(claim));
        }
        self.kind.check_commit(claim)
    }

    async fn delete(&mut self) -> Result<(), ResponseError> {
        if !self.exists() {
            return Err(ResponseError::GroupIdNotFound);
        }
        if !self.kind.is_empty() {
            return Err(ResponseError::NonEmptyGroup);
        }
        let changes =
            Changes::new()
                .remove(RecordKind::Group, &*self.id)
                .with(Change::RemoveOffsets {
                    group: Arc::clone(&self.id),
                    partitions: None,
                });
        self.apply(changes).await?;
        self.kind = Kind::unused(&self.id, &self.shared);
        Ok(())
    }

    async fn delete_offsets(
        &mut self,
        partitions: Vec<TopicPartition>,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        if !self.exists() {
            return Err(ResponseError::GroupIdNotFound);
        }
        self.kind.check_delete_offsets()?;
        let outcome = |partition: &TopicPartition| {
            if self.kind.is_subscribed(&partition.topic) {
                Err(ResponseError::GroupSubscribedToTopic)
            } else {
                Ok(())
            }
        };
        let outcomes: Vec<_> = partitions.iter().map(outcome).collect();
        let mut kept = outcomes.iter().map(Result::is_err);
        let mut removed = partitions;
        removed.retain(|_| !kept.next().unwrap_or(true));
        self.remove_offsets(removed).await?;
        Ok(outcomes)
    }

    async fn remove_offsets(&self, partitions: Vec<TopicPartition>) -> Result<(), ResponseError> {
        if partitions.is_empty() {
            return Ok(());
        }
        let changes = Changes::new().with(Change::RemoveOffsets {
            group: Arc::clone(&self.id),
            partitions: Some(partitions),
        });
        self.apply(changes).await
    }

    /// Removes offsets that were of no use for the time of retention, and the
    /// group with the last of them.
    async fn expire(&mut self, now_ms: i64) {
        let retention = self.shared.settings.offsets_retention.as_millis();
        let horizon = now_ms.saturating_sub(i64::try_from(retention).unwrap_or(i64::MAX));
        let (expired, all) = self.shared.offsets.group(&self.id, |offsets| {
            let Some(offsets) = offsets else {
                return (Vec::new(), true);
            };
            let is_old = |partition: &TopicPartition, offset: &CommittedOffset| {
                let since = self.kind.unused_since(&partition.topic, offset);
                since.is_some_and(|since| since <= horizon) && !offsets.is_pending(partition)
            };
            let expired: Vec<_> = offsets
                .committed
                .iter()
                .filter(|(partition, offset)| is_old(partition, offset))
                .map(|(partition, _)| partition.clone())
                .collect();
            let all = expired.len() == offsets.committed.len() && offsets.pending.is_empty();
            (expired, all)
        });
        if all && self.kind.is_idle() {
            if self.exists() {
                // What fails now is tried again at the next round.
                let _ = self.delete().await;
            }
        } else {
            let _ = self.remove_offsets(expired).await;
        }
    }
}

/// What a member of a group that doesn't exist is told when it commits.
pub(super) fn unknown_to_commit(claim: &CommitClaim) -> ResponseError {
    if claim.version >= 9 && !claim.transactional {
        ResponseError::GroupIdNotFound
    } else {
        ResponseError::IllegalGeneration
    }
}

/// Never ends without a deadline.
async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
