//! The task that owns some of the transactional ids.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::command::{Command, Described, Listed, OffsetsToCommit, Protocol, Reply};
use super::coordinator::Shared;
use super::end::{End, Ending, abort_at_next_epoch, end};
use super::enlist::{check, check_group, enlist};
use super::init::{Init, init};
use super::producer_ids::ProducerIds;
use super::transaction::{Identity, Transaction};
use super::{COORDINATOR_EPOCH, EXPIRATION_MS};
use crate::clock::now_ms;
use crate::groups;
use crate::log::{Catalogue, Partition};
use crate::store::{Change, Changes, Marker, RecordKind, Writer};

/// Deadlines are times of day, and the clock may be set: it is looked at
/// again after this long.
const LONGEST_SLEEP_MS: i64 = 10_000;

/// When the store refused what a deadline asked for, it is tried again after
/// this long.
const RETRY_MS: i64 = 1_000;

/// Some of the transactional ids, and when each needs attention.
pub(super) struct Shard {
    writer: Writer,
    catalogue: Arc<Catalogue>,
    groups: groups::Coordinator,
    producer_ids: ProducerIds,
    transactions: FxHashMap<Arc<str>, Transaction>,
    due: BTreeSet<(i64, Arc<str>)>,
}

impl Shard {
    pub(super) fn new(
        shared: &Shared,
        producer_ids: ProducerIds,
        transactions: FxHashMap<Arc<str>, Transaction>,
    ) -> Self {
        let due = transactions
            .iter()
            .map(|(id, transaction)| (transaction.deadline(), Arc::clone(id)))
            .collect();
        Self {
            writer: shared.writer.clone(),
            catalogue: Arc::clone(&shared.catalogue),
            groups: shared.groups.clone(),
            producer_ids,
            transactions,
            due,
        }
    }

    /// Works until the broker stops, or nobody is left to ask.
    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Command>,
        stopping: CancellationToken,
    ) {
        loop {
            // Before each request, so that many requests don't keep a
            // transaction alive beyond its time.
            self.tick().await;
            tokio::select! {
                () = stopping.cancelled() => return,
                command = inbox.recv() => match command {
                    Some(command) => self.execute(command).await,
                    None => return,
                },
                () = sleep_until(self.due.first().map(|(at, _)| *at)) => {}
            }
        }
    }

    async fn tick(&mut self) {
        let now = now_ms();
        while let Some((at, id)) = self.due.first().cloned()
            && at <= now
        {
            self.due.pop_first();
            let Some(transaction) = self.transactions.get(&id) else {
                continue;
            };
            let deadline = transaction.deadline();
            let done = if deadline > now {
                self.due.insert((deadline, Arc::clone(&id)));
                Ok(())
            } else if transaction.is_ongoing() {
                tracing::info!(
                    transactional_id = &*id,
                    timeout_ms = transaction.timeout_ms,
                    "a transaction ran out of time and is aborted"
                );
                let ending = abort_at_next_epoch(transaction, now);
                self.finish(&id, ending).await
            } else {
                self.forget(&id).await
            };
            if done.is_err() {
                self.due.insert((now + RETRY_MS, id));
            }
        }
    }

    async fn execute(&mut self, command: Command) {
        match command {
            Command::Init {
                id,
                timeout_ms,
                claimed,
                reply,
            } => answer(reply, self.init(id, timeout_ms, claimed).await),
            Command::Enlist {
                id,
                who,
                partitions,
                group,
                protocol,
                reply,
            } => {
                let done = self.enlist(&id, who, partitions, group, protocol).await;
                answer(reply, done);
            }
            Command::CommitOffsets {
                id,
                who,
                offsets,
                protocol,
                reply,
            } => {
                let done = self.commit_offsets(&id, who, offsets, protocol).await;
                answer(reply, done);
            }
            Command::End {
                id,
                who,
                commit,
                protocol,
                reply,
            } => answer(reply, self.end(&id, who, commit, protocol).await),
            Command::Check { id, who, reply } => {
                answer(reply, self.known(&id).and_then(|known| check(known, who)));
            }
            Command::Describe { id, reply } => answer(reply, self.describe(&id)),
            Command::List { reply } => answer(reply, Ok(self.list())),
        }
    }

    async fn init(
        &mut self,
        id: Arc<str>,
        timeout_ms: i32,
        claimed: Option<Identity>,
    ) -> Result<Identity, ResponseError> {
        let mut fresh = None;
        loop {
            let current = self.transactions.get(&id);
            match init(current, timeout_ms, claimed, fresh, now_ms())? {
                Init::Given(transaction) => {
                    let identity = transaction.identity();
                    self.store(&id, transaction, Changes::new()).await?;
                    return Ok(identity);
                }
                Init::AbortFirst(ending) => {
                    self.finish(&id, ending).await?;
                    // Never the answer itself: the epoch of the abort is
                    // nobody's, and the producer's next request raises it.
                    return Err(ResponseError::ConcurrentTransactions);
                }
                Init::NeedsProducerId => fresh = Some(self.producer_ids.take().await?),
            }
        }
    }

    async fn enlist(
        &mut self,
        id: &Arc<str>,
        who: Identity,
        partitions: Vec<Arc<Partition>>,
        group: Option<Arc<str>>,
        protocol: Protocol,
    ) -> Result<(), ResponseError> {
        let current = self.known(id)?;
        let named = partitions
            .iter()
            .map(|partition| (&*partition.topic_name, partition.index));
        let next = enlist(current, who, named, group.as_deref(), protocol, now_ms())?;
        // Also those that were in it: the topic may have been made anew since.
        let changes = partitions
            .into_iter()
            .filter(|partition| {
                !partition.append_state(|state| state.is_in_transaction(who.producer_id, who.epoch))
            })
            .fold(Changes::new(), |changes, partition| {
                changes.with(Change::EnterTransaction {
                    partition,
                    producer_id: who.producer_id,
                    epoch: who.epoch,
                    from_zero: protocol == Protocol::V2,
                })
            });
        match next {
            Some(next) => self.store(id, next, changes).await,
            None => self.apply(changes).await,
        }
    }

    async fn commit_offsets(
        &mut self,
        id: &Arc<str>,
        who: Identity,
        offsets: OffsetsToCommit,
        protocol: Protocol,
    ) -> Result<(), ResponseError> {
        let current = self.known(id)?;
        let OffsetsToCommit {
            group,
            claim,
            offsets,
        } = offsets;
        let next = match protocol {
            Protocol::V1 => {
                check_group(current, who, &group)?;
                None
            }
            Protocol::V2 => {
                let none = std::iter::empty();
                enlist(current, who, none, Some(&group), protocol, now_ms())?
            }
        };
        let mut changes = Changes::new().with(Change::PendingOffsets {
            producer_id: who.producer_id,
            group: Arc::clone(&group),
            offsets,
        });
        if let Some(next) = &next {
            changes = put(changes, id, next)?;
        }
        // By the group itself: between a check and the change it could have
        // gone on to a generation without the sender.
        let groups = &self.groups;
        groups.commit_in_transaction(&group, claim, changes).await?;
        if let Some(next) = next {
            self.stored(id, next);
        }
        Ok(())
    }

    async fn end(
        &mut self,
        id: &Arc<str>,
        who: Identity,
        commit: bool,
        protocol: Protocol,
    ) -> Result<Identity, ResponseError> {
        let mut fresh = None;
        loop {
            let current = self.known(id)?;
            match end(current, who, commit, protocol, fresh, now_ms())? {
                End::Ends(ending) => {
                    let identity = ending.next.identity();
                    self.finish(id, ending).await?;
                    return Ok(identity);
                }
                End::Repeated(identity) => return Ok(identity),
                End::NeedsProducerId => fresh = Some(self.producer_ids.take().await?),
            }
        }
    }

    /// Writes markers, decides offsets, and stores what comes next, at once.
    async fn finish(&mut self, id: &Arc<str>, ending: Ending) -> Result<(), ResponseError> {
        let Ending {
            marker,
            commit,
            partitions,
            groups,
            next,
        } = ending;
        let mut changes = Changes::new();
        for (topic, indexes) in &partitions {
            // A topic that was deleted has nothing left to decide.
            let Some(topic) = self.catalogue.topic(topic) else {
                continue;
            };
            for partition in indexes.iter().filter_map(|index| topic.partition(*index)) {
                changes = changes.with(Change::Marker(Marker {
                    partition,
                    producer_id: marker.producer_id,
                    epoch: marker.epoch,
                    commit,
                    coordinator_epoch: COORDINATOR_EPOCH,
                }));
            }
        }
        for group in groups {
            changes = changes.with(Change::ResolveOffsets {
                producer_id: marker.producer_id,
                group: Arc::from(group),
                commit,
            });
        }
        self.store(id, next, changes).await
    }

    /// Stores a transactional id's state together with `changes`.
    async fn store(
        &mut self,
        id: &Arc<str>,
        next: Transaction,
        changes: Changes,
    ) -> Result<(), ResponseError> {
        self.apply(put(changes, id, &next)?).await?;
        self.stored(id, next);
        Ok(())
    }

    /// Goes by what was stored of a transactional id.
    fn stored(&mut self, id: &Arc<str>, next: Transaction) {
        let deadline = next.deadline();
        let before = self.transactions.insert(Arc::clone(id), next);
        if let Some(before) = before {
            self.due.remove(&(before.deadline(), Arc::clone(id)));
        }
        self.due.insert((deadline, Arc::clone(id)));
    }

    async fn forget(&mut self, id: &Arc<str>) -> Result<(), ResponseError> {
        let days = EXPIRATION_MS / (24 * 60 * 60 * 1000);
        tracing::info!(transactional_id = &**id, days, "unused and forgotten");
        self.apply(Changes::new().remove(RecordKind::Transaction, &**id))
            .await?;
        self.transactions.remove(id);
        Ok(())
    }

    async fn apply(&self, changes: Changes) -> Result<(), ResponseError> {
        self.writer.apply(changes).await.map_err(|error| {
            tracing::warn!(%error, "a transaction's state was not written");
            ResponseError::CoordinatorNotAvailable
        })
    }

    fn known(&self, id: &str) -> Result<&Transaction, ResponseError> {
        self.transactions
            .get(id)
            .ok_or(ResponseError::InvalidProducerIdMapping)
    }

    fn describe(&self, id: &str) -> Result<Described, ResponseError> {
        let known = self
            .transactions
            .get(id)
            .ok_or(ResponseError::TransactionalIdNotFound)?;
        Ok(Described {
            identity: known.identity(),
            state: known.state,
            timeout_ms: known.timeout_ms,
            started: known.started,
            partitions: known
                .partitions
                .iter()
                .map(|(topic, indexes)| (topic.clone(), indexes.iter().copied().collect()))
                .collect(),
        })
    }

    fn list(&self) -> Vec<Listed> {
        self.transactions
            .iter()
            .map(|(id, transaction)| Listed {
                transactional_id: Arc::clone(id),
                producer_id: transaction.producer_id,
                state: transaction.state,
                started: transaction.started,
            })
            .collect()
    }
}

/// Adds a transactional id's state to what is stored.
fn put(changes: Changes, id: &str, state: &Transaction) -> Result<Changes, ResponseError> {
    let value = serde_json::to_vec(state).map_err(|error| {
        tracing::error!(%error, "a transaction could not be written as JSON");
        ResponseError::UnknownServerError
    })?;
    Ok(changes.put(RecordKind::Transaction, id, value))
}

/// Whoever asked may have left; what was done stays done.
fn answer<T>(reply: Reply<T>, with: Result<T, ResponseError>) {
    let _ = reply.send(with);
}

/// Sleeps until a time of day, for ever without one.
async fn sleep_until(at: Option<i64>) {
    match at {
        Some(at) => {
            let wait = at.saturating_sub(now_ms()).clamp(0, LONGEST_SLEEP_MS);
            tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
        }
        None => std::future::pending().await,
    }
}
