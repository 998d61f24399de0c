//! Topics: made, grown, configured, trimmed, deleted.

use std::sync::Arc;

use super::apply::Executed;
use super::worker::{Finish, Worker};
use super::{Command, ConfigTarget, ConfigureError, TopicError};
use crate::configs::{Edit, Overrides, TopicConfig};
use crate::log::{AppendState, Partition, PartitionId, PartitionView, Topic};
use crate::store::database::json;
use crate::store::schema::LARGEST_OFFSET;
use crate::store::{RecordKind, StorageError};

impl Worker {
    pub(super) fn execute_topic_command(&mut self, command: Command, alive: bool) -> Executed {
        match command {
            Command::CreateTopic {
                name,
                id,
                partitions,
                overrides,
                done,
            } => {
                if self.catalogue.topic(&name).is_some() {
                    return refuse(done, TopicError::Exists);
                }
                let made = if alive {
                    self.make_topic(&name, id, partitions, overrides)
                } else {
                    stopped()
                };
                answer(made, done, |worker, topic| {
                    worker.catalogue.insert(Arc::clone(&topic));
                    topic
                })
            }
            Command::AddPartitions { topic, total, done } => {
                if !self.exists(&topic) {
                    return refuse(done, TopicError::Unknown);
                }
                let have = topic.partitions().len() as i32;
                let made = if alive {
                    self.make_partitions(&topic, have..total)
                } else {
                    stopped()
                };
                answer(made, done, move |worker, more| {
                    topic.add(&more);
                    worker.catalogue.grown();
                })
            }
            Command::Configure {
                target,
                edit,
                validate_only,
                done,
            } => {
                let changed = match self.edit_config(&target, edit, !validate_only && alive) {
                    Ok(changed) => changed,
                    Err(error) => return refuse(done, error),
                };
                answer(changed, done, move |worker, overrides| {
                    if !validate_only {
                        worker.publish_config(target, overrides);
                    }
                })
            }
            Command::DeleteTopic { topic, done } => {
                if !self.exists(&topic) {
                    return refuse(done, TopicError::Unknown);
                }
                let removed = match &self.database {
                    Some(database) if alive => database.remove_topic(topic.row, &topic.name),
                    _ => Ok(()),
                };
                answer(removed, done, move |worker, ()| worker.forget_topic(&topic))
            }
            Command::Trim {
                partition,
                offset,
                done,
            } => {
                if partition.append_state(|state| state.deleted) {
                    return refuse(done, TopicError::Unknown);
                }
                let (start, end) = partition.view(|view| (view.log_start, view.high_watermark));
                let start = offset.min(end).max(start);
                let removed = if alive {
                    self.trim(&partition, start)
                } else {
                    Ok(())
                };
                answer(removed, done, move |worker, ()| {
                    worker.sweep_later(partition.id, start);
                    worker.change_tail(&partition, |view| {
                        view.log_start = start;
                        view.tail.trim(start);
                        view.forget_aborted(|aborted| aborted.last_offset < start);
                    });
                    partition.waiters.wake();
                    start
                })
            }
            other => self.execute(other, alive),
        }
    }

    fn exists(&self, topic: &Topic) -> bool {
        self.catalogue
            .topic(&topic.name)
            .is_some_and(|found| found.id == topic.id)
    }

    /// What is set after `edit`, stored if `store` says so. The outer error
    /// leaves the transaction untouched.
    fn edit_config(
        &self,
        target: &ConfigTarget,
        edit: Edit,
        store: bool,
    ) -> Result<Result<Overrides, StorageError>, ConfigureError> {
        let scope = target.scope();
        if let ConfigTarget::Topic(topic) = target {
            let overrides = edit.apply(&topic.config().overrides, scope)?;
            if !self.exists(topic) {
                return Err(ConfigureError::Unknown);
            }
            let stored = match &self.database {
                Some(database) if store => database.put_topic_config(topic.row, &json(&overrides)),
                _ => Ok(()),
            };
            return Ok(stored.map(|()| overrides));
        }
        let broker = self.catalogue.broker();
        let current = broker.overrides(scope).cloned().unwrap_or_default();
        let overrides = edit.apply(&current, scope)?;
        let (_, key) = broker.with(scope, Overrides::new());
        let stored = match &self.database {
            Some(database) if store => {
                database.put_record(RecordKind::BrokerConfig, key, json(&overrides).as_bytes())
            }
            _ => Ok(()),
        };
        Ok(stored.map(|()| overrides))
    }

    fn publish_config(&self, target: ConfigTarget, overrides: Overrides) {
        let broker = self.catalogue.broker();
        match target {
            ConfigTarget::Topic(topic) => {
                topic.set_config(Arc::new(TopicConfig::resolve(overrides, &broker)));
            }
            ConfigTarget::Cluster | ConfigTarget::Node => {
                let (changed, _) = broker.with(target.scope(), overrides);
                self.catalogue.set_broker(changed);
            }
        }
    }

    fn make_topic(
        &mut self,
        name: &Arc<str>,
        id: uuid::Uuid,
        partitions: i32,
        overrides: Overrides,
    ) -> Result<Arc<Topic>, StorageError> {
        let row = match &self.database {
            Some(database) => database.insert_topic(name, id, &json(&overrides))?,
            None => self.number(),
        };
        let config = Arc::new(TopicConfig::resolve(overrides, &self.catalogue.broker()));
        let topic = Arc::new(Topic::new(row, Arc::clone(name), id, config, Vec::new()));
        let made = self.make_partitions(&topic, 0..partitions)?;
        topic.add(&made);
        Ok(topic)
    }

    fn make_partitions(
        &mut self,
        topic: &Arc<Topic>,
        indexes: std::ops::Range<i32>,
    ) -> Result<Vec<Arc<Partition>>, StorageError> {
        let mut made = Vec::new();
        for index in indexes {
            let id = match &self.database {
                Some(database) => database.insert_partition(topic.row, index)?,
                None => PartitionId(self.number()),
            };
            let partition = Partition::new(
                id,
                Arc::clone(&topic.name),
                index,
                PartitionView::default(),
                AppendState::default(),
            );
            made.push(Arc::new(partition));
        }
        Ok(made)
    }

    fn number(&mut self) -> i64 {
        self.next_row += 1;
        self.next_row
    }

    fn trim(&mut self, partition: &Partition, start: i64) -> Result<(), StorageError> {
        let Some(database) = &self.database else {
            return Ok(());
        };
        let next_offset = partition.append_state(|state| state.next_offset);
        database.put_bounds(partition.id, start, next_offset)?;
        database.remove_aborted_before(partition.id, start)
    }

    fn forget_topic(&mut self, topic: &Arc<Topic>) {
        self.catalogue.remove(topic);
        for partition in topic.partitions().iter() {
            partition.append_state(|state| state.deleted = true);
            self.change_tail(partition, |view| {
                view.deleted = true;
                view.tail = Default::default();
            });
            partition.waiters.wake();
            self.sweep_later(partition.id, LARGEST_OFFSET);
        }
        for group in self.offsets.groups() {
            self.offsets.publish(&group, |offsets| {
                offsets.committed.retain(|at, _| at.topic != topic.name);
                for pending in offsets.pending.values_mut() {
                    pending.retain(|at, _| at.topic != topic.name);
                }
            });
        }
    }
}

/// Answers at once; the transaction is not touched.
fn refuse<T: Send + 'static, E: Send + 'static>(
    done: tokio::sync::oneshot::Sender<Result<T, E>>,
    error: E,
) -> Executed {
    (Ok(()), Box::new(move |_, _| drop(done.send(Err(error)))))
}

/// Publishes what was made once it is durable, and answers.
fn answer<M: Send + 'static, T: Send + 'static, E: From<StorageError> + Send + 'static>(
    made: Result<M, StorageError>,
    done: tokio::sync::oneshot::Sender<Result<T, E>>,
    publish: impl FnOnce(&mut Worker, M) -> T + Send + 'static,
) -> Executed {
    let (outcome, made) = match made {
        Ok(made) => (Ok(()), Some(made)),
        Err(error) => (Err(error), None),
    };
    let finish: Finish = Box::new(move |worker, ended| {
        let result = match (ended, made) {
            (Ok(()), Some(made)) => Ok(publish(worker, made)),
            (Err(error), _) => Err(error.clone().into()),
            (Ok(()), None) => Err(StorageError::Stopped.into()),
        };
        let _ = done.send(result);
    });
    (outcome, finish)
}

fn stopped<T>() -> Result<T, StorageError> {
    Err(StorageError::Stopped)
}
