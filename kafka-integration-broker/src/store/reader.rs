//! Reading batches that are no longer in memory.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{StorageError, schema};
use crate::log::PartitionId;

/// Connections kept for later reads.
const KEPT: usize = 4;

/// Reads batches from the database. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pool: Option<Arc<Pool>>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    fn take(&self) -> Result<Connection, StorageError> {
        if let Some(connection) = self.idle.lock().pop() {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        schema::prepare_connection(&connection)?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }
}

/// What is known of a batch without its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchInfo {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) size: i64,
}

impl Reader {
    /// For a broker without a data directory: everything is in the tails.
    pub(super) fn memory() -> Self {
        Self { pool: None }
    }

    pub(super) fn disk(path: PathBuf) -> Self {
        Self {
            pool: Some(Arc::new(Pool {
                path,
                idle: Mutex::default(),
            })),
        }
    }

    /// Whether partitions' tails hold everything.
    pub(crate) fn is_memory(&self) -> bool {
        self.pool.is_none()
    }

    /// Runs `read` where blocking is allowed.
    async fn with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<Option<T>, StorageError> {
        let Some(pool) = self.pool.clone() else {
            return Ok(None);
        };
        tokio::task::spawn_blocking(move || {
            let connection = pool.take()?;
            let result = read(&connection);
            pool.give_back(connection);
            result.map(Some)
        })
        .await
        .unwrap_or(Err(StorageError::Stopped))
    }

    /// As [`Partition::read`](crate::log::Partition::read), from disk.
    pub(crate) async fn batches(
        &self,
        partition: PartitionId,
        offset: i64,
        end: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Vec<Bytes>, StorageError> {
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT base_offset, size, data FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id",
            )?;
            let mut rows = statement.query([
                schema::key(partition, offset),
                schema::key(PartitionId(partition.0 + 1), 0),
            ])?;
            let mut taken = Vec::new();
            let mut size = 0;
            while let Some(row) = rows.next()? {
                if row.get::<_, i64>(0)? >= end {
                    break;
                }
                size += usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX);
                if size > max_bytes && !(taken.is_empty() && at_least_one) {
                    break;
                }
                let data = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
                taken.push(Bytes::copy_from_slice(data));
            }
            Ok(taken)
        };
        Ok(self.with(read).await?.unwrap_or_default())
    }

    /// The first batch, from the one that contains `offset` on, whose records
    /// and those before it reach `timestamp`.
    ///
    /// Timestamps need not rise with offsets, but their running maximum does,
    /// so that it can be searched by halves.
    pub(crate) async fn first_reaching(
        &self,
        partition: PartitionId,
        offset: i64,
        timestamp: i64,
    ) -> Result<Option<Bytes>, StorageError> {
        let read = move |connection: &Connection| {
            let mut probe = connection.prepare_cached(
                "SELECT id, running_max_timestamp FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1",
            )?;
            let past = schema::key(PartitionId(partition.0 + 1), 0);
            let mut low = schema::key(partition, offset);
            let mut high = connection
                .prepare_cached("SELECT max(id) FROM batches WHERE id >= ?1 AND id < ?2")?
                .query_row([low, past], |row| row.get::<_, Option<i64>>(0))?
                .map_or(low, |last| last + 1);
            let mut found = None;
            while low < high {
                let middle = low + (high - low) / 2;
                let row = probe
                    .query_row([middle, past], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
                    })
                    .optional()?;
                match row {
                    Some((id, reached)) if reached >= timestamp => {
                        found = Some(id);
                        high = middle;
                    }
                    Some((id, _)) => low = id + 1,
                    None => high = middle,
                }
            }
            let Some(id) = found else { return Ok(None) };
            let bytes = connection
                .prepare_cached("SELECT data FROM batches WHERE id = ?1")?
                .query_row([id], |row| row.get::<_, Vec<u8>>(0))
                .optional()?;
            Ok(bytes.map(Bytes::from))
        };
        Ok(self.with(read).await?.flatten())
    }

    /// The first of the batches with the greatest timestamp.
    pub(crate) async fn with_greatest_timestamp(
        &self,
        partition: PartitionId,
        offset: i64,
    ) -> Result<Option<Bytes>, StorageError> {
        let read = move |connection: &Connection| {
            let bounds = [
                schema::key(partition, offset),
                schema::key(PartitionId(partition.0 + 1), 0),
            ];
            let bytes = connection
                .prepare_cached(
                    "SELECT data FROM batches WHERE id >= ?1 AND id < ?2
                     ORDER BY max_timestamp DESC, id LIMIT 1",
                )?
                .query_row(bounds, |row| row.get::<_, Vec<u8>>(0))
                .optional()?;
            Ok(bytes.map(Bytes::from))
        };
        Ok(self.with(read).await?.flatten())
    }

    /// The batches of a partition, oldest first, from the one that contains
    /// `offset` on, at most `limit`.
    pub(crate) async fn infos(
        &self,
        partition: PartitionId,
        offset: i64,
        limit: u32,
    ) -> Result<Vec<BatchInfo>, StorageError> {
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, base_offset, max_timestamp, size FROM batches
                 WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3",
            )?;
            let rows = statement.query_map(
                params![
                    schema::key(partition, offset),
                    schema::key(PartitionId(partition.0 + 1), 0),
                    limit
                ],
                |row| {
                    Ok(BatchInfo {
                        last_offset: schema::last_offset(row.get(0)?),
                        base_offset: row.get(1)?,
                        max_timestamp: row.get(2)?,
                        size: row.get(3)?,
                    })
                },
            )?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        };
        Ok(self.with(read).await?.unwrap_or_default())
    }
}
