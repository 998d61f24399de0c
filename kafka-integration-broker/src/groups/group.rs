//! A group's task: it owns the group's state, and does one thing at a time.

use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::SyncGroupResponse;
use tokio::sync::mpsc;

use super::classic::refused;
use super::command::{Command, CommitClaim, Reply};
use super::coordinator::Shared;
use super::kind::Kind;
use super::stored::StoredGroup;
use super::{CommittedOffset, TopicPartition};
use crate::api::Code;
use crate::store::{Change, Changes, RecordKind};

/// Commands taken from the inbox at a time; commits among them that follow
/// each other are stored together.
const BATCH: usize = 64;

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
                Command::CommitInTransaction {
                    claim,
                    changes,
                    reply,
                } => match self.check_commit(&claim) {
                    Ok(()) => {
                        commits.replies.push(reply);
                        commits.changes = commits.changes.and(changes);
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
            } => {
                let outcome = self.make_way(&request).await;
                match (outcome, &mut self.kind) {
                    (Ok(()), Kind::Classic(group)) => group.join(&client, request, reply, now()),
                    (Err(error), _) => {
                        let _ = reply.send(refused(request.member_id, error));
                    }
                    // Who was in the way has made way.
                    (Ok(()), Kind::Consumer(_)) => {}
                }
            }
            Command::Sync { request, reply } => match &mut self.kind {
                Kind::Classic(group) => group.sync(&request, reply),
                Kind::Consumer(_) => {
                    let unknown = ResponseError::UnknownMemberId.number();
                    let _ = reply.send(SyncGroupResponse::default().with_error_code(unknown));
                }
            },
            Command::Heartbeat { request, reply } => {
                let _ = reply.send(match &mut self.kind {
                    Kind::Classic(group) => group.heartbeat(&request, now()),
                    Kind::Consumer(_) => Err(ResponseError::UnknownMemberId),
                });
            }
            Command::Leave { request, reply } => {
                let response = match &mut self.kind {
                    Kind::Classic(group) => group.leave(&request, now()),
                    Kind::Consumer(_) => self.consumer_expel(&request).await,
                };
                // Whoever asks next shall find it done.
                self.save().await;
                let _ = reply.send(response);
            }
            Command::ConsumerHeartbeat {
                client,
                request,
                reply,
            } => {
                let _ = reply.send(self.consumer_heartbeat(&client, &request, now()).await);
            }
            Command::ConsumerDescribe { version, reply } => {
                let _ = reply.send(self.consumer_describe(version));
            }
            Command::CheckFetch {
                member_id,
                member_epoch,
                reply,
            } => {
                let _ = reply.send(match &self.kind {
                    Kind::Classic(_) => Ok(()),
                    Kind::Consumer(group) => group.check_fetch(member_id.as_deref(), member_epoch),
                });
            }
            Command::Commit { .. } | Command::CommitInTransaction { .. } => {}
            Command::Describe { reply } => {
                let known = self.exists();
                let _ = reply.send(match &self.kind {
                    Kind::Classic(group) => known.then(|| group.describe()),
                    Kind::Consumer(_) => None,
                });
            }
            Command::List { reply } => {
                let _ = reply.send(self.exists().then(|| self.kind.listed()));
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
            let stored = match &mut self.kind {
                Kind::Classic(group) => group.unsaved().map(StoredGroup::Classic),
                Kind::Consumer(group) => group.unsaved().map(StoredGroup::Consumer),
            };
            let Some(stored) = stored else { return };
            let done = self.write(&stored).await.is_ok();
            match &mut self.kind {
                Kind::Classic(group) => group.saved(done, now()),
                Kind::Consumer(group) => {
                    group.saved(done);
                    if !done {
                        // Tried again after the next command.
                        return;
                    }
                }
            }
        }
    }

    pub(super) async fn write(&self, stored: &StoredGroup) -> Result<(), ResponseError> {
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

    pub(super) fn exists(&self) -> bool {
        !self.kind.is_unused() || self.shared.has_offsets(&self.id)
    }

    fn check_commit(&self, claim: &CommitClaim) -> Result<(), ResponseError> {
        if claim.generation >= 0 && !self.exists() {
            return Err(unknown_to_commit(claim));
        }
        self.kind.check_commit(claim)
    }

    /// Drops what is stored of the group, but for its offsets.
    pub(super) async fn forget(&self) -> Result<(), ResponseError> {
        let changes = Changes::new().remove(RecordKind::Group, &*self.id);
        self.apply(changes).await
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
        if let Kind::Classic(group) = &mut self.kind {
            // Whoever goes on deleting shall not be told that it is unknown.
            group.keep();
        }
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
