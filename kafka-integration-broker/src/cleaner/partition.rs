//! Cleaning one partition.

use std::sync::Arc;

use bytes::Bytes;

use super::compactor::{Compactor, Fate, producers};
use super::retention::Retention;
use crate::configs::TopicConfig;
use crate::log::{Partition, ReadError, StoredBatch};
use crate::records::BatchHeader;
use crate::store::{BatchInfo, Compaction, Reader, StorageError, TopicError, Writer};

/// Batches that are looked at together.
const PAGE: u32 = 1_000;
/// Bytes that are read, and changed, together: the writer does nothing else
/// meanwhile.
const CHUNK: usize = 1 << 20;

/// How the cleaner reads and changes the log.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

/// Why a partition was not cleaned. The next round tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum CleanError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Topic(#[from] TopicError),
}

/// What the rounds before found out about a partition.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The log's start and end, and the settings, when retention had nothing
    /// to do, and until when that holds if they stay.
    idle: Option<(i64, i64, Arc<TopicConfig>, i64)>,
    /// Every key before this offset has one record at most.
    compacted_to: i64,
    /// When a tombstone may go.
    tombstone_due: Option<i64>,
}

impl Known {
    /// Deletes and compacts what the settings say.
    pub(super) async fn clean(
        &mut self,
        store: &Store,
        partition: &Arc<Partition>,
        config: &Arc<TopicConfig>,
        now: i64,
    ) -> Result<(), CleanError> {
        if config.cleanup_policy.delete {
            self.delete(store, partition, config, now).await?;
        }
        if config.cleanup_policy.compact {
            self.compact(store, partition, config, now).await?;
        }
        Ok(())
    }

    async fn delete(
        &mut self,
        store: &Store,
        partition: &Arc<Partition>,
        config: &Arc<TopicConfig>,
        now: i64,
    ) -> Result<(), CleanError> {
        let (start, end) = partition.view(|view| (view.log_start, view.last_stable_offset()));
        if let Some((of_start, of_end, of_config, until)) = &self.idle
            && (*of_start, *of_end) == (start, end)
            && Arc::ptr_eq(of_config, config)
            && now < *until
        {
            return Ok(());
        }
        let mut size = 0;
        if config.retention_bytes.is_some() {
            for_each(store, partition, start, i64::MAX, |batch| {
                size += batch.size;
                true
            })
            .await?;
        }
        let mut retention = Retention::new(config.retention_ms, config.retention_bytes, size, now);
        for_each(store, partition, start, end, |batch| retention.see(batch)).await?;
        match retention.cut() {
            Some(cut) => {
                store.writer.trim(Arc::clone(partition), cut).await?;
                self.idle = None;
            }
            None => {
                let until = retention.due().unwrap_or(i64::MAX);
                self.idle = Some((start, end, Arc::clone(config), until));
            }
        }
        Ok(())
    }

    async fn compact(
        &mut self,
        store: &Store,
        partition: &Arc<Partition>,
        config: &TopicConfig,
        now: i64,
    ) -> Result<(), CleanError> {
        let (start, stable) = partition.view(|view| (view.log_start, view.last_stable_offset()));
        let old_enough = now.saturating_sub(config.min_compaction_lag_ms);
        let (mut clean, mut dirty, mut end) = (0, 0, start);
        let from = self.compacted_to.max(start);
        if from < stable {
            for_each(store, partition, start, stable, |batch| {
                if batch.base_offset < from {
                    clean += batch.size;
                } else if config.min_compaction_lag_ms > 0 && batch.max_timestamp > old_enough {
                    return false;
                } else {
                    dirty += batch.size;
                }
                end = batch.last_offset + 1;
                true
            })
            .await?;
        }
        let share = dirty as f64 / (clean + dirty).max(1) as f64;
        let worthwhile = dirty > 0 && share > config.min_cleanable_ratio;
        let tombstones_go = self.tombstone_due.is_some_and(|due| due <= now);
        if !worthwhile && !tombstones_go {
            return Ok(());
        }
        let aborted = partition.view(|view| view.aborted.clone());
        let producers = partition.append_state(|state| producers(state));
        let mut compactor = Compactor::new(&aborted, producers, config.delete_retention_ms, now);
        let mut learned = from;
        if worthwhile {
            (compactor, learned) = learn(store, partition, compactor, from, end).await?;
        }
        let due = rewrite(store, partition, compactor, start, learned).await?;
        self.compacted_to = learned;
        self.tombstone_due = due;
        Ok(())
    }
}

/// Shows `look` the batches from `from` on that end before `end`, until it has
/// seen enough.
async fn for_each(
    store: &Store,
    partition: &Partition,
    mut from: i64,
    end: i64,
    mut look: impl FnMut(&BatchInfo) -> bool,
) -> Result<(), StorageError> {
    loop {
        let page = partition.infos(&store.reader, from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        from = last.last_offset + 1;
        for batch in &page {
            if batch.last_offset >= end || !look(batch) {
                return Ok(());
            }
        }
    }
}

/// Reads the next batches that end before `end`, and where they end.
async fn next_batches(
    store: &Store,
    partition: &Partition,
    from: i64,
    end: i64,
) -> Result<Option<(Vec<Bytes>, i64)>, ReadError> {
    // Records may have been deleted while others were looked at.
    let from = from.max(partition.view(|view| view.log_start));
    let mut batches = partition
        .read(&store.reader, from, end, CHUNK, true)
        .await?;
    let ends = |batch: &Bytes| BatchHeader::read(batch).map(|header| header.last_offset());
    batches.retain(|batch| ends(batch).is_some_and(|last| last < end));
    let last = batches.last().and_then(ends);
    Ok(last.map(|last| (batches, last + 1)))
}

/// Learns the keys of the batches from `from` to `end`, as many as there is
/// room for; returns up to where.
async fn learn(
    store: &Store,
    partition: &Partition,
    mut compactor: Compactor,
    mut from: i64,
    end: i64,
) -> Result<(Compactor, i64), CleanError> {
    let mut room = true;
    while room && from < end {
        let Some((batches, next)) = next_batches(store, partition, from, end).await? else {
            return Ok((compactor, end));
        };
        (compactor, room, from) = blocking(move || {
            for batch in &batches {
                if !compactor.learn(batch) {
                    let header = BatchHeader::read(batch);
                    let learned = header.map_or(from, |header| header.last_offset() + 1);
                    return (compactor, false, learned);
                }
            }
            (compactor, true, next)
        })
        .await?;
    }
    Ok((compactor, from))
}

/// Puts what is left of the batches from `from` to `end` in their place;
/// returns when a tombstone among it may go.
async fn rewrite(
    store: &Store,
    partition: &Arc<Partition>,
    mut compactor: Compactor,
    mut from: i64,
    end: i64,
) -> Result<Option<i64>, CleanError> {
    while from < end {
        let Some((batches, next)) = next_batches(store, partition, from, end).await? else {
            break;
        };
        let (rewritten, removed, forgotten);
        (compactor, rewritten, removed, forgotten) = blocking(move || {
            let (mut rewritten, mut removed, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
            for batch in &batches {
                match compactor.decide(batch) {
                    Fate::Stays => {}
                    Fate::Changes(batch) => rewritten.push(batch),
                    Fate::Goes => {
                        let header = BatchHeader::read(batch);
                        let last = header.map(|header| (header.last_offset(), header.is_control()));
                        removed.extend(last.map(|(last, _)| last));
                        forgotten
                            .extend(last.filter(|(_, control)| *control).map(|(last, _)| last));
                    }
                }
            }
            (compactor, rewritten, removed, forgotten)
        })
        .await?;
        from = next;
        let rewritten: Vec<StoredBatch> = rewritten;
        if !rewritten.is_empty() || !removed.is_empty() {
            let compaction = Compaction {
                partition: Arc::clone(partition),
                rewritten,
                removed,
                forgotten,
            };
            store.writer.compact(compaction).await?;
        }
    }
    Ok(compactor.due())
}

/// Unfolding batches takes a while, so it is done where that is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CleanError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StorageError::Stopped.into())
}
