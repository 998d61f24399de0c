//! The statements the writer executes. It is the only user of this connection.

use std::cell::Cell;

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{RecordKind, StorageError, schema};
use crate::groups::{CommittedOffset, TopicPartition};
use crate::log::{AbortedTransaction, PartitionId, Producer, StoredBatch};

type Result<T> = std::result::Result<T, StorageError>;

thread_local! {
    /// Pages in SQLite's log after the last commit of this thread. SQLite's
    /// hook takes a plain function, and the writing thread has one database.
    static LOG_PAGES: Cell<usize> = const { Cell::new(0) };
}

/// Empty pages that the file keeps for records to come: 64 MiB.
const PAGES_KEPT: i64 = (64 << 20) / schema::PAGE_SIZE as i64;
/// Empty pages given back at a time: 2 MiB.
const PAGES_AT_ONCE: usize = (2 << 20) / schema::PAGE_SIZE;

/// The writer's connection.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
}

impl Database {
    pub(super) fn new(connection: Connection) -> Self {
        connection.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(usize::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        Self { connection }
    }

    /// Bytes in SQLite's log after the newest commit; it falls when the log is
    /// begun anew. To be asked on the thread that commits.
    pub(super) fn log_size(&self) -> usize {
        LOG_PAGES.get().saturating_mul(schema::PAGE_SIZE)
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        Ok(self.connection.prepare_cached(sql)?.execute(values)?)
    }

    pub(super) fn begin(&self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE", []).map(drop)
    }

    pub(super) fn commit(&self) -> Result<()> {
        self.execute("COMMIT", []).map(drop)
    }

    /// Ends the transaction, whatever its state. SQLite has rolled back by
    /// itself after some errors, a full disk among them.
    pub(super) fn rollback(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK", [])
        {
            tracing::error!(%error, "the broker's database could not be rolled back");
        }
    }

    /// Writes SQLite's log back into the file. `TRUNCATE` waits for readers and
    /// empties it; `PASSIVE` waits for nobody.
    pub(super) fn checkpoint(&self, mode: &str) {
        if let Err(error) =
            self.connection
                .query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
        {
            tracing::warn!(%error, "the broker's database could not be checkpointed");
        }
    }

    /// Gives some of the file's empty pages back to the system, when there are
    /// far more than the next records need; `true` when there are more.
    pub(super) fn shrink(&self) -> bool {
        let number = |sql| {
            self.connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
        };
        let shrunk = || -> rusqlite::Result<bool> {
            if number("PRAGMA freelist_count")? <= PAGES_KEPT {
                return Ok(false);
            }
            self.connection
                .execute_batch(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
            Ok(true)
        };
        shrunk().unwrap_or_else(|error| {
            tracing::warn!(%error, "the broker's database could not be made smaller");
            false
        })
    }

    pub(super) fn insert_batch(
        &self,
        partition: PartitionId,
        batch: &StoredBatch,
        running_max_timestamp: i64,
    ) -> Result<()> {
        self.execute(
            "INSERT INTO batches (id, base_offset, max_timestamp, running_max_timestamp, size, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                schema::key(partition, batch.last_offset),
                batch.base_offset,
                batch.max_timestamp,
                running_max_timestamp,
                batch.bytes.len() as i64,
                &batch.bytes[..],
            ],
        )
        .map(drop)
    }

    /// Removes a batch; `last_offset` is where it ends.
    pub(super) fn remove_batch(&self, partition: PartitionId, last_offset: i64) -> Result<()> {
        self.execute(
            "DELETE FROM batches WHERE id = ?1",
            [schema::key(partition, last_offset)],
        )
        .map(drop)
    }

    /// Puts other bytes in the place of a batch that ends at the same offset.
    pub(super) fn replace_batch(&self, partition: PartitionId, batch: &StoredBatch) -> Result<()> {
        self.execute(
            "UPDATE batches SET base_offset = ?2, max_timestamp = ?3, size = ?4, data = ?5 WHERE id = ?1",
            params![
                schema::key(partition, batch.last_offset),
                batch.base_offset,
                batch.max_timestamp,
                batch.bytes.len() as i64,
                &batch.bytes[..],
            ],
        )
        .map(drop)
    }

    /// Removes up to `limit` batches that end before `offset`; returns how many.
    pub(super) fn remove_before(
        &self,
        partition: PartitionId,
        offset: i64,
        limit: u32,
    ) -> Result<usize> {
        self.execute(
            "DELETE FROM batches WHERE id IN
                 (SELECT id FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
            params![
                schema::key(partition, 0),
                schema::key(partition, offset),
                limit
            ],
        )
    }

    pub(super) fn put_bounds(
        &self,
        partition: PartitionId,
        log_start: i64,
        next_offset: i64,
    ) -> Result<()> {
        self.execute(
            "UPDATE partitions SET log_start = ?2, next_offset = ?3 WHERE id = ?1",
            [partition.0, log_start, next_offset],
        )
        .map(drop)
    }

    pub(super) fn put_producer(
        &self,
        partition: PartitionId,
        id: i64,
        producer: &Producer,
    ) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO producers (partition, producer_id, state) VALUES (?1, ?2, ?3)",
            params![partition.0, id, json(producer)],
        )
        .map(drop)
    }

    pub(super) fn remove_producer(&self, partition: PartitionId, id: i64) -> Result<()> {
        self.execute(
            "DELETE FROM producers WHERE partition = ?1 AND producer_id = ?2",
            [partition.0, id],
        )
        .map(drop)
    }

    pub(super) fn put_aborted(
        &self,
        partition: PartitionId,
        aborted: &AbortedTransaction,
    ) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO aborted (partition, last_offset, first_offset, producer_id)
             VALUES (?1, ?2, ?3, ?4)",
            [
                partition.0,
                aborted.last_offset,
                aborted.first_offset,
                aborted.producer_id,
            ],
        )
        .map(drop)
    }

    pub(super) fn remove_aborted_before(&self, partition: PartitionId, offset: i64) -> Result<()> {
        self.execute(
            "DELETE FROM aborted WHERE partition = ?1 AND last_offset < ?2",
            [partition.0, offset],
        )
        .map(drop)
    }

    /// Removes the aborted transaction whose marker is at `offset`.
    pub(super) fn remove_aborted(&self, partition: PartitionId, offset: i64) -> Result<()> {
        self.execute(
            "DELETE FROM aborted WHERE partition = ?1 AND last_offset = ?2",
            [partition.0, offset],
        )
        .map(drop)
    }

    pub(super) fn put_record(&self, kind: RecordKind, key: &str, value: &[u8]) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO records (kind, key, value) VALUES (?1, ?2, ?3)",
            params![kind as i64, key, value],
        )
        .map(drop)
    }

    pub(super) fn remove_record(&self, kind: RecordKind, key: &str) -> Result<()> {
        self.execute(
            "DELETE FROM records WHERE kind = ?1 AND key = ?2",
            params![kind as i64, key],
        )
        .map(drop)
    }

    pub(super) fn put_offset(
        &self,
        group: &str,
        at: &TopicPartition,
        offset: &CommittedOffset,
    ) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO offsets (group_id, topic, position, committed) VALUES (?1, ?2, ?3, ?4)",
            params![group, &*at.topic, at.partition, json(offset)],
        )
        .map(drop)
    }

    pub(super) fn remove_offset(&self, group: &str, at: &TopicPartition) -> Result<()> {
        self.execute(
            "DELETE FROM offsets WHERE group_id = ?1 AND topic = ?2 AND position = ?3",
            params![group, &*at.topic, at.partition],
        )
        .map(drop)
    }

    pub(super) fn remove_group_offsets(&self, group: &str) -> Result<()> {
        self.execute("DELETE FROM offsets WHERE group_id = ?1", [group])?;
        self.execute("DELETE FROM pending_offsets WHERE group_id = ?1", [group])
            .map(drop)
    }

    pub(super) fn put_pending(
        &self,
        producer_id: i64,
        group: &str,
        at: &TopicPartition,
        offset: &CommittedOffset,
    ) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO pending_offsets (producer_id, group_id, topic, position, committed)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![producer_id, group, &*at.topic, at.partition, json(offset)],
        )
        .map(drop)
    }

    /// Puts another offset in the place of a pending one, if it still is.
    pub(super) fn replace_pending(
        &self,
        producer_id: i64,
        group: &str,
        at: &TopicPartition,
        offset: &CommittedOffset,
    ) -> Result<()> {
        self.execute(
            "UPDATE pending_offsets SET committed = ?5
             WHERE producer_id = ?1 AND group_id = ?2 AND topic = ?3 AND position = ?4",
            params![producer_id, group, &*at.topic, at.partition, json(offset)],
        )
        .map(drop)
    }

    pub(super) fn resolve_pending(
        &self,
        producer_id: i64,
        group: &str,
        commit: bool,
    ) -> Result<()> {
        if commit {
            self.execute(
                "INSERT OR REPLACE INTO offsets (group_id, topic, position, committed)
                 SELECT group_id, topic, position, committed FROM pending_offsets
                 WHERE producer_id = ?1 AND group_id = ?2",
                params![producer_id, group],
            )?;
        }
        self.execute(
            "DELETE FROM pending_offsets WHERE producer_id = ?1 AND group_id = ?2",
            params![producer_id, group],
        )
        .map(drop)
    }

    /// Returns the topic's row.
    pub(super) fn insert_topic(&self, name: &str, id: Uuid, config: &str) -> Result<i64> {
        self.execute(
            "INSERT INTO topics (name, uuid, config) VALUES (?1, ?2, ?3)",
            params![name, &id.as_bytes()[..], config],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    pub(super) fn insert_partition(&self, topic: i64, index: i32) -> Result<PartitionId> {
        self.execute(
            "INSERT INTO partitions (topic, position, log_start, next_offset) VALUES (?1, ?2, 0, 0)",
            params![topic, index],
        )?;
        Ok(PartitionId(self.connection.last_insert_rowid()))
    }

    pub(super) fn put_topic_config(&self, topic: i64, config: &str) -> Result<()> {
        self.execute(
            "UPDATE topics SET config = ?2 WHERE id = ?1",
            params![topic, config],
        )
        .map(drop)
    }

    /// Removes the topic and what is known of its partitions, but for their
    /// batches: there may be many, and they are removed bit by bit.
    pub(super) fn remove_topic(&self, topic: i64, name: &str) -> Result<()> {
        for sql in [
            "DELETE FROM producers WHERE partition IN (SELECT id FROM partitions WHERE topic = ?1)",
            "DELETE FROM aborted WHERE partition IN (SELECT id FROM partitions WHERE topic = ?1)",
            "DELETE FROM partitions WHERE topic = ?1",
            "DELETE FROM topics WHERE id = ?1",
        ] {
            self.execute(sql, [topic])?;
        }
        self.execute("DELETE FROM offsets WHERE topic = ?1", [name])?;
        self.execute("DELETE FROM pending_offsets WHERE topic = ?1", [name])
            .map(drop)
    }
}

/// These types have no map with keys that are not text, and no other way to
/// fail.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
