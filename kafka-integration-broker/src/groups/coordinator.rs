//! Finds the task of a group, or starts it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    SyncGroupRequest, SyncGroupResponse,
};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::classic::refused;
use super::command::{Client, Command, CommitClaim, Reply};
use super::group::{Group, unknown_to_commit};
use super::kind::Kind;
use super::stored::StoredGroup;
use super::{CommittedOffset, Offsets, Settings, TopicPartition};
use crate::api::Code;
use crate::clock::now_ms;
use crate::log::Catalogue;
use crate::store::{Changes, Writer};

/// Commands that may wait for a group. Whoever asks more waits for room.
const INBOX: usize = 256;

/// All groups.
#[derive(Debug, Clone)]
pub(crate) struct Coordinator {
    shared: Arc<Shared>,
}

/// What the tasks of all groups use.
#[derive(Debug)]
pub(super) struct Shared {
    groups: Mutex<FxHashMap<Arc<str>, Slot>>,
    pub(super) settings: Arc<Settings>,
    pub(super) offsets: Arc<Offsets>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) writer: Writer,
    pub(super) stopping: CancellationToken,
    tasks: TaskTracker,
}

/// What is known of a group's whereabouts.
#[derive(Debug)]
enum Slot {
    Running(mpsc::Sender<Command>),
    /// Nobody is in it: this is all there is.
    Dormant(StoredGroup),
}

/// Whether a group that nobody has heard of is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Always,
    IfKnown,
}

impl Shared {
    pub(super) fn has_offsets(&self, group: &str) -> bool {
        self.offsets.group(group, |offsets| offsets.is_some())
    }

    /// Ends the service of a task, unless something is on its way to it. What
    /// is stored of the group is kept at hand.
    pub(super) fn retire(
        &self,
        id: &Arc<str>,
        inbox: &mpsc::Receiver<Command>,
        stored: Option<StoredGroup>,
    ) -> bool {
        let mut groups = self.groups.lock();
        // Under the lock nobody can come by a new sender: besides the slot's
        // there are those of the ones who are about to send.
        if inbox.sender_strong_count() > 1 || !inbox.is_empty() {
            return false;
        }
        match stored {
            Some(stored) => groups.insert(Arc::clone(id), Slot::Dormant(stored)),
            None => groups.remove(id),
        };
        true
    }

    fn run(self: &Arc<Self>, id: Arc<str>, kind: Kind) -> mpsc::Sender<Command> {
        let (sender, inbox) = mpsc::channel(INBOX);
        let group = Group {
            id,
            kind,
            shared: Arc::clone(self),
            inbox,
        };
        self.tasks.spawn(group.run());
        sender
    }
}

impl Coordinator {
    /// The groups that were stored, by their id. Members of before have their
    /// session's time from now on to be heard of.
    pub(crate) fn start(
        settings: Settings,
        offsets: Arc<Offsets>,
        catalogue: Arc<Catalogue>,
        writer: Writer,
        stopping: CancellationToken,
        tasks: TaskTracker,
        records: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let shared = Arc::new(Shared {
            groups: Mutex::default(),
            settings: Arc::new(settings),
            offsets,
            catalogue,
            writer,
            stopping,
            tasks,
        });
        for (id, bytes) in records {
            match serde_json::from_slice::<StoredGroup>(&bytes) {
                Ok(stored) => restore(&shared, Arc::from(id), stored),
                Err(error) => tracing::warn!(group = id, %error, "a stored group is unreadable"),
            }
        }
        let coordinator = Self { shared };
        let sweep = coordinator.clone().sweep();
        coordinator.shared.tasks.spawn(sweep);
        coordinator
    }

    /// Joins, and waits until the group has gathered.
    pub(crate) async fn join(
        &self,
        client: Client,
        request: JoinGroupRequest,
    ) -> JoinGroupResponse {
        let member_id = request.member_id.clone();
        if let Err(error) = check_name(&request.group_id).and_then(|()| self.check_join(&request)) {
            return refused(member_id, error);
        }
        let start = if member_id.is_empty() {
            Start::Always
        } else {
            Start::IfKnown
        };
        let group = request.group_id.0.clone();
        let answer = self.ask(&group, start, |reply| Command::Join {
            client,
            request,
            reply,
        });
        match answer.await {
            Ok(Some(response)) => response,
            Ok(None) => refused(member_id, ResponseError::UnknownMemberId),
            Err(error) => refused(member_id, error),
        }
    }

    fn check_join(&self, request: &JoinGroupRequest) -> Result<(), ResponseError> {
        let settings = &self.shared.settings;
        let asked = i128::from(request.session_timeout_ms);
        let ms =
            |limit: std::time::Duration| i128::try_from(limit.as_millis()).unwrap_or(i128::MAX);
        if asked < ms(settings.min_session_timeout) || asked > ms(settings.max_session_timeout) {
            return Err(ResponseError::InvalidSessionTimeout);
        }
        Ok(())
    }

    /// Waits for the leader's assignment, or gives it.
    pub(crate) async fn sync(&self, request: SyncGroupRequest) -> SyncGroupResponse {
        let failed =
            |error: ResponseError| SyncGroupResponse::default().with_error_code(error.number());
        if let Err(error) = check_name(&request.group_id) {
            return failed(error);
        }
        let group = request.group_id.0.clone();
        let answer = self.ask(&group, Start::IfKnown, |reply| Command::Sync {
            request,
            reply,
        });
        match answer.await {
            Ok(Some(response)) => response,
            Ok(None) => failed(ResponseError::UnknownMemberId),
            Err(error) => failed(error),
        }
    }

    pub(crate) async fn heartbeat(&self, request: HeartbeatRequest) -> Result<(), ResponseError> {
        check_name(&request.group_id)?;
        let group = request.group_id.0.clone();
        let answer = self.ask(&group, Start::IfKnown, |reply| Command::Heartbeat {
            request,
            reply,
        });
        answer.await?.unwrap_or(Err(ResponseError::UnknownMemberId))
    }

    /// Takes out the members that `request.members` names, in all versions.
    pub(crate) async fn leave(&self, request: LeaveGroupRequest) -> LeaveGroupResponse {
        let failed =
            |error: ResponseError| LeaveGroupResponse::default().with_error_code(error.number());
        if let Err(error) = check_name(&request.group_id) {
            return failed(error);
        }
        let group = request.group_id.0.clone();
        let members = request.members.clone();
        let answer = self.ask(&group, Start::IfKnown, |reply| Command::Leave {
            request,
            reply,
        });
        match answer.await {
            Ok(Some(response)) => response,
            Ok(None) => {
                let unknown = members.into_iter().map(|member| {
                    MemberResponse::default()
                        .with_member_id(member.member_id)
                        .with_group_instance_id(member.group_instance_id)
                        .with_error_code(ResponseError::UnknownMemberId.number())
                });
                LeaveGroupResponse::default().with_members(unknown.collect())
            }
            Err(error) => failed(error),
        }
    }

    /// Stores offsets of a group; one that is no member makes the group.
    ///
    /// # Errors
    /// The sender may not, or the disk refused: nothing was stored.
    pub(crate) async fn commit(
        &self,
        group: &str,
        claim: CommitClaim,
        offsets: Vec<(TopicPartition, CommittedOffset)>,
    ) -> Result<(), ResponseError> {
        let (start, unknown) = for_commit(&claim);
        let answer = self.ask(group, start, |reply| Command::Commit {
            claim,
            offsets,
            reply,
        });
        answer.await?.unwrap_or(Err(unknown))
    }

    /// Makes changes of a transaction, those that keep offsets for the group,
    /// if the sender may commit. The group does nothing else in between: who
    /// is in a later generation finds the offsets pending, or they are refused.
    ///
    /// # Errors
    /// The sender may not, or the disk refused: nothing was changed.
    pub(crate) async fn commit_in_transaction(
        &self,
        group: &str,
        claim: CommitClaim,
        changes: Changes,
    ) -> Result<(), ResponseError> {
        check_name(group)?;
        let (start, unknown) = for_commit(&claim);
        let answer = self.ask(group, start, |reply| Command::CommitInTransaction {
            claim,
            changes,
            reply,
        });
        answer.await?.unwrap_or(Err(unknown))
    }

    /// Largest metadata of a committed offset, in UTF-16 units.
    pub(crate) fn offset_metadata_max(&self) -> usize {
        self.shared.settings.offset_metadata_max
    }

    /// `None` when there is no such group of the classic protocol.
    pub(crate) async fn describe(
        &self,
        group: &str,
    ) -> Result<Option<DescribedGroup>, ResponseError> {
        let answer = self.ask(group, Start::IfKnown, |reply| Command::Describe { reply });
        Ok(answer.await?.flatten())
    }

    /// All groups, those that only have offsets included.
    pub(crate) async fn list(&self) -> Result<Vec<ListedGroup>, ResponseError> {
        let mut listed = Vec::new();
        for id in self.known() {
            let answer = self.ask(&id, Start::IfKnown, |reply| Command::List { reply });
            // One that was just deleted may still have a task.
            listed.extend(answer.await?.flatten());
        }
        Ok(listed)
    }

    /// Removes a group without members, and its offsets.
    pub(crate) async fn delete(&self, group: &str) -> Result<(), ResponseError> {
        let answer = self.ask(group, Start::IfKnown, |reply| Command::Delete { reply });
        answer.await?.unwrap_or(Err(ResponseError::GroupIdNotFound))
    }

    /// Removes offsets; tells for each partition whether it was done.
    pub(crate) async fn delete_offsets(
        &self,
        group: &str,
        partitions: Vec<TopicPartition>,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        check_name(group)?;
        let answer = self.ask(group, Start::IfKnown, |reply| Command::DeleteOffsets {
            partitions,
            reply,
        });
        answer.await?.unwrap_or(Err(ResponseError::GroupIdNotFound))
    }

    /// Makes the members of a group join again, as a fault to test with.
    /// Without such a group nothing happens.
    pub(crate) async fn force_rebalance(&self, group: &str) {
        let answer = self.ask(group, Start::IfKnown, |reply| Command::ForceRebalance {
            reply,
        });
        // A stopping broker need not do it.
        let _ = answer.await;
    }

    /// Ids of all groups.
    fn known(&self) -> Vec<Arc<str>> {
        let mut ids = self.shared.offsets.groups();
        ids.extend(self.shared.groups.lock().keys().cloned());
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Asks a group's task; `None` when there is no such group.
    pub(super) async fn ask<T>(
        &self,
        group: &str,
        start: Start,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<Option<T>, ResponseError> {
        let Some(sender) = self.find(group, start)? else {
            return Ok(None);
        };
        let (reply, answer) = oneshot::channel();
        let stopped = ResponseError::CoordinatorNotAvailable;
        sender.send(command(reply)).await.map_err(|_| stopped)?;
        // A task doesn't retire while somebody could send to it.
        drop(sender);
        answer.await.map(Some).map_err(|_| stopped)
    }

    /// # Errors
    /// There are too many groups for one more.
    fn find(
        &self,
        group: &str,
        start: Start,
    ) -> Result<Option<mpsc::Sender<Command>>, ResponseError> {
        let shared = &self.shared;
        let mut groups = shared.groups.lock();
        let id: Arc<str> = match groups.get_key_value(group) {
            Some((_, Slot::Running(sender))) => return Ok(Some(sender.clone())),
            Some((id, Slot::Dormant(_))) => Arc::clone(id),
            None if shared.has_offsets(group) => Arc::from(group),
            None if start == Start::Always && groups.len() < shared.settings.max_groups => {
                Arc::from(group)
            }
            None if start == Start::Always => {
                let limit = shared.settings.max_groups;
                tracing::warn!(group, limit, "too many groups: refused");
                return Err(ResponseError::CoordinatorNotAvailable);
            }
            None => return Ok(None),
        };
        let kind = match groups.remove(&id) {
            Some(Slot::Dormant(stored)) => Kind::restore(&id, stored, shared, Instant::now()),
            _ => Kind::unused(&id, shared),
        };
        let sender = shared.run(Arc::clone(&id), kind);
        groups.insert(id, Slot::Running(sender.clone()));
        Ok(Some(sender))
    }

    /// Drops offsets that are past their retention, now and then.
    async fn sweep(self) {
        let stopping = self.shared.stopping.clone();
        let interval = self.shared.settings.offsets_retention_check;
        while stopping
            .run_until_cancelled(tokio::time::sleep(interval))
            .await
            .is_some()
        {
            self.expire(now_ms()).await;
        }
    }

    /// Drops offsets that are past their retention at `now_ms`.
    async fn expire(&self, now_ms: i64) {
        for id in self.known() {
            let answer = self.ask(&id, Start::IfKnown, |reply| Command::Expire {
                now_ms,
                reply,
            });
            if answer.await.is_err() {
                return;
            }
        }
    }
}

/// At the start: groups with members have sessions that may end.
fn restore(shared: &Arc<Shared>, id: Arc<str>, stored: StoredGroup) {
    let slot = if stored.is_empty() {
        Slot::Dormant(stored)
    } else {
        let kind = Kind::restore(&id, stored, shared, Instant::now());
        Slot::Running(shared.run(Arc::clone(&id), kind))
    };
    shared.groups.lock().insert(id, slot);
}

fn check_name(group: &str) -> Result<(), ResponseError> {
    if group.is_empty() {
        Err(ResponseError::InvalidGroupId)
    } else {
        Ok(())
    }
}

/// Whether a commit makes its group, and what it is told if not.
fn for_commit(claim: &CommitClaim) -> (Start, ResponseError) {
    let start = if claim.generation < 0 {
        Start::Always
    } else {
        Start::IfKnown
    };
    (start, unknown_to_commit(claim))
}

#[cfg(test)]
mod tests;
