//! What each command does within the transaction, and after it.

use std::sync::Arc;

use super::worker::{Finish, Worker};
use super::{AppendError, Appended, Command, Compaction};
use crate::clock::now_ms;
use crate::groups::{CommittedOffset, TopicPartition};
use crate::log::{AbortedTransaction, LEADER_EPOCH, Partition, Sequenced, StoredBatch};
use crate::records::{BatchHeader, ValidBatch, control_batch};
use crate::store::{Change, Changes, Marker, StorageError};

/// A command's effect on the transaction, and what to do when it has ended.
pub(super) type Executed = (Result<(), StorageError>, Finish);

impl Worker {
    /// Executes a command within the transaction; when `alive` is false the
    /// transaction has failed already, and only the answer is prepared.
    pub(super) fn execute(&mut self, command: Command, alive: bool) -> Executed {
        match command {
            Command::Append { batches, done } => {
                let mut results = Vec::with_capacity(batches.len());
                let mut outcome = Ok(());
                let mut published = Vec::new();
                for (partition, batch) in batches {
                    if !alive || outcome.is_err() {
                        results.push(Err(AppendError::Storage(StorageError::Stopped)));
                        continue;
                    }
                    match self.append(&partition, batch) {
                        Ok((appended, stored)) => {
                            published.extend(stored);
                            results.push(Ok(appended));
                        }
                        Err(AppendError::Storage(error @ StorageError::Database(_))) => {
                            outcome = Err(error.clone());
                            results.push(Err(error.into()));
                        }
                        Err(error) => results.push(Err(error)),
                    }
                }
                let finish: Finish = Box::new(move |worker, ended| {
                    if let Err(error) = ended {
                        for result in &mut results {
                            *result = Err(error.clone().into());
                        }
                    } else {
                        for Visible {
                            partition,
                            batch,
                            first_unstable,
                        } in published
                        {
                            worker.publish_batch(&partition, batch, first_unstable);
                        }
                    }
                    let _ = done.send(results);
                });
                (outcome, finish)
            }
            Command::Apply { changes, done } => {
                let mut after = Vec::new();
                let outcome = if alive {
                    self.apply(changes, &mut after)
                } else {
                    Ok(())
                };
                let finish: Finish = Box::new(move |worker, ended| {
                    if ended.is_ok() {
                        after.into_iter().for_each(|publish| publish(worker));
                    }
                    let _ = done.send(ended.map_err(Clone::clone));
                });
                (outcome, finish)
            }
            Command::Compact { compaction, done } => {
                let outcome = if alive {
                    self.compact(&compaction)
                } else {
                    Ok(())
                };
                let finish: Finish = Box::new(move |worker, ended| {
                    if ended.is_ok() {
                        worker.publish_compaction(compaction);
                    }
                    let _ = done.send(ended.map_err(Clone::clone));
                });
                (outcome, finish)
            }
            Command::ForgetProducers { older_than } => {
                let outcome = if alive {
                    self.forget_producers(older_than)
                } else {
                    Ok(())
                };
                (outcome, Box::new(|_, _| {}))
            }
            // Taken out by the loop; it has no effect on a transaction.
            Command::Stop { done } => (
                Ok(()),
                Box::new(move |_, _| {
                    let _ = done.send(());
                }),
            ),
            command => self.execute_topic_command(command, alive),
        }
    }

    fn append(
        &mut self,
        partition: &Arc<Partition>,
        mut batch: ValidBatch,
    ) -> Result<(Appended, Option<Visible>), AppendError> {
        let header = batch.header;
        let log_start = partition.view(|view| view.log_start);
        let producer = header.has_producer().then_some(header.producer_id);
        let sequenced = partition.append_state(|state| {
            if state.deleted {
                return Err(AppendError::Deleted);
            }
            match producer {
                Some(_) => Ok(state.sequence(&header)?),
                None => Ok(Sequenced::New),
            }
        })?;
        if let Sequenced::Duplicate(seen) = sequenced {
            let appended = Appended {
                base_offset: seen.base_offset,
                log_append_time: if header.is_log_append_time() {
                    seen.timestamp
                } else {
                    -1
                },
                log_start,
            };
            return Ok((appended, None));
        }
        self.has_room(batch.bytes.len())?;
        let now = now_ms();
        let (base_offset, running_max, first_unstable) = partition.append_state(|state| {
            self.touched.remember(partition, state, producer);
            let base_offset = state.next_offset;
            state.next_offset += i64::from(header.last_offset_delta) + 1;
            let running_max = state
                .running_max_timestamp
                .map_or(header.max_timestamp, |max| max.max(header.max_timestamp));
            state.running_max_timestamp = Some(running_max);
            if producer.is_some() {
                state.appended(&header, base_offset, now);
            }
            (base_offset, running_max, state.first_unstable())
        });
        place(&mut batch.bytes, base_offset);
        let stored = StoredBatch {
            base_offset,
            last_offset: base_offset + i64::from(header.last_offset_delta),
            max_timestamp: header.max_timestamp,
            bytes: batch.bytes.freeze(),
        };
        self.store_batch(partition, &stored, running_max)?;
        let log_append_time = if header.is_log_append_time() {
            header.max_timestamp
        } else {
            -1
        };
        let visible = Visible {
            partition: Arc::clone(partition),
            batch: stored,
            first_unstable,
        };
        Ok((
            Appended {
                base_offset,
                log_append_time,
                log_start,
            },
            Some(visible),
        ))
    }

    fn store_batch(
        &self,
        partition: &Partition,
        batch: &StoredBatch,
        running_max: i64,
    ) -> Result<(), StorageError> {
        match &self.database {
            Some(database) => database.insert_batch(partition.id, batch, running_max),
            None => Ok(()),
        }
    }

    fn apply(&mut self, changes: Changes, after: &mut Vec<Publish>) -> Result<(), StorageError> {
        for change in changes.list {
            self.change(change, after)?;
        }
        Ok(())
    }

    fn change(&mut self, change: Change, after: &mut Vec<Publish>) -> Result<(), StorageError> {
        let database = self.database.as_ref();
        match change {
            Change::Record { kind, key, value } => match (database, value) {
                (Some(database), Some(value)) => database.put_record(kind, &key, &value)?,
                (Some(database), None) => database.remove_record(kind, &key)?,
                (None, _) => {}
            },
            Change::Offsets { group, offsets } => {
                if let Some(database) = database {
                    let published = self.offsets.group(&group, |of| {
                        of.map_or_else(Vec::new, |of| of.pending.keys().copied().collect())
                    });
                    let pending = || {
                        published
                            .iter()
                            .copied()
                            .chain(self.touched.pending(&group))
                    };
                    for (at, offset) in &offsets {
                        database.put_offset(&group, at, offset)?;
                        for producer_id in pending() {
                            database.replace_pending(producer_id, &group, at, offset)?;
                        }
                    }
                }
                after.push(Box::new(move |worker| {
                    worker.offsets.publish(&group, |of| of.commit(offsets));
                }));
            }
            Change::RemoveOffsets { group, partitions } => {
                if let Some(database) = database {
                    match &partitions {
                        Some(partitions) => {
                            for at in partitions {
                                database.remove_offset(&group, at)?;
                            }
                        }
                        None => database.remove_group_offsets(&group)?,
                    }
                }
                after.push(Box::new(move |worker| {
                    worker.offsets.publish(&group, |of| match partitions {
                        Some(partitions) => partitions
                            .iter()
                            .for_each(|at| drop(of.committed.remove(at))),
                        None => *of = Default::default(),
                    });
                }));
            }
            Change::PendingOffsets {
                producer_id,
                group,
                offsets,
            } => {
                if let Some(database) = database {
                    for (at, offset) in &offsets {
                        database.put_pending(producer_id, &group, at, offset)?;
                    }
                    self.touched.add_pending(&group, producer_id);
                }
                after.push(Box::new(move |worker| {
                    worker.offsets.publish(&group, |of| {
                        of.pending.entry(producer_id).or_default().extend(offsets);
                    });
                }));
            }
            Change::ResolveOffsets {
                producer_id,
                group,
                commit,
            } => {
                if let Some(database) = database {
                    database.resolve_pending(producer_id, &group, commit)?;
                }
                after.push(Box::new(move |worker| {
                    worker.offsets.publish(&group, |of| {
                        let pending: Vec<(TopicPartition, CommittedOffset)> = of
                            .pending
                            .remove(&producer_id)
                            .into_iter()
                            .flatten()
                            .collect();
                        if commit {
                            of.committed.extend(pending);
                        }
                    });
                }));
            }
            Change::EnterTransaction {
                partition,
                producer_id,
                epoch,
                from_zero,
            } => {
                partition.append_state(|state| {
                    if !state.deleted {
                        self.touched.remember(&partition, state, Some(producer_id));
                        state.enter_transaction(producer_id, epoch, from_zero);
                    }
                });
            }
            Change::Marker(marker) => {
                if let Some((visible, aborted)) = self.mark(&marker)? {
                    after.push(Box::new(move |worker| {
                        if let Some(aborted) = aborted {
                            visible.partition.publish(|view| view.aborted.push(aborted));
                        }
                        worker.publish_batch(
                            &visible.partition,
                            visible.batch,
                            visible.first_unstable,
                        );
                    }));
                }
            }
        }
        Ok(())
    }

    fn mark(
        &mut self,
        marker: &Marker,
    ) -> Result<Option<(Visible, Option<AbortedTransaction>)>, StorageError> {
        let now = now_ms();
        let ended = marker.partition.append_state(|state| {
            if state.deleted {
                return None;
            }
            self.touched
                .remember(&marker.partition, state, Some(marker.producer_id));
            let offset = state.next_offset;
            state.next_offset += 1;
            let running_max = state.running_max_timestamp.map_or(now, |max| max.max(now));
            state.running_max_timestamp = Some(running_max);
            let began = state.end_transaction(
                marker.producer_id,
                marker.epoch,
                marker.coordinator_epoch,
                now,
            );
            Some((offset, running_max, began, state.first_unstable()))
        });
        let Some((offset, running_max, began, first_unstable)) = ended else {
            return Ok(None);
        };
        let mut bytes = control_batch(
            marker.producer_id,
            marker.epoch,
            marker.commit,
            marker.coordinator_epoch,
            now,
        );
        place(&mut bytes, offset);
        let batch = StoredBatch {
            base_offset: offset,
            last_offset: offset,
            max_timestamp: now,
            bytes: bytes.freeze(),
        };
        self.store_batch(&marker.partition, &batch, running_max)?;
        let aborted = began
            .filter(|_| !marker.commit)
            .map(|first_offset| AbortedTransaction {
                producer_id: marker.producer_id,
                first_offset,
                last_offset: offset,
            });
        if let (Some(database), Some(aborted)) = (&self.database, &aborted) {
            database.put_aborted(marker.partition.id, aborted)?;
        }
        let partition = Arc::clone(&marker.partition);
        Ok(Some((
            Visible {
                partition,
                batch,
                first_unstable,
            },
            aborted,
        )))
    }

    fn compact(&mut self, compaction: &Compaction) -> Result<(), StorageError> {
        let Some(database) = &self.database else {
            return Ok(());
        };
        if compaction.partition.append_state(|state| state.deleted) {
            return Ok(());
        }
        let id = compaction.partition.id;
        for batch in &compaction.rewritten {
            database.replace_batch(id, batch)?;
        }
        for last_offset in &compaction.removed {
            database.remove_batch(id, *last_offset)?;
        }
        for marker in &compaction.forgotten {
            database.remove_aborted(id, *marker)?;
        }
        if compaction.removed.is_empty() {
            return Ok(());
        }
        // The newest batch may be among them, and numbers must go on after it.
        let log_start = compaction.partition.view(|view| view.log_start);
        let next_offset = compaction.partition.append_state(|state| state.next_offset);
        database.put_bounds(id, log_start, next_offset)
    }

    fn publish_compaction(&mut self, compaction: Compaction) {
        let Compaction {
            partition,
            rewritten,
            removed,
            forgotten,
        } = compaction;
        self.change_tail(&partition, |view| {
            let is_forgotten = |offset: &i64| forgotten.binary_search(offset).is_ok();
            view.forget_aborted(|aborted| is_forgotten(&aborted.last_offset));
            view.tail.compact(rewritten, &removed);
        });
    }

    fn forget_producers(&mut self, older_than: i64) -> Result<(), StorageError> {
        for topic in self.catalogue.topics() {
            for partition in topic.partitions().iter() {
                let idle: Vec<i64> = partition.append_state(|state| {
                    let idle = |producer: &crate::log::Producer| {
                        producer.open_since.is_none()
                            && !producer.in_transaction
                            && producer.last_timestamp < older_than
                    };
                    let ids: Vec<i64> = state
                        .producers
                        .iter()
                        .filter(|(_, producer)| idle(producer))
                        .map(|(id, _)| *id)
                        .collect();
                    for id in &ids {
                        self.touched.remember(partition, state, Some(*id));
                        state.producers.remove(id);
                    }
                    ids
                });
                if let Some(database) = &self.database {
                    for id in idle {
                        database.remove_producer(partition.id, id)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A batch that is written and becomes visible with the commit.
struct Visible {
    partition: Arc<Partition>,
    batch: StoredBatch,
    first_unstable: Option<i64>,
}

type Publish = Box<dyn FnOnce(&mut Worker) + Send>;

/// Writes into a batch where it stands. Neither field is under the checksum.
fn place(batch: &mut [u8], base_offset: i64) {
    BatchHeader::place(batch, base_offset, LEADER_EPOCH);
}
