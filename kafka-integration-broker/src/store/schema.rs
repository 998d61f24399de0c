//! The database's tables.
//!
//! A batch's key is its partition's number and its last offset in one integer:
//! SQLite then keeps a partition's batches together, in order, in one tree,
//! and finds "the batch that contains this offset" by one seek.

use rusqlite::Connection;

use super::StorageError;
use crate::log::PartitionId;

/// Of the tables below. A database of another version is refused.
pub(super) const VERSION: i64 = 1;

/// Bytes of one of the database's pages.
pub(super) const PAGE_SIZE: usize = 8192;

/// Bits of a batch's key that hold the offset.
const OFFSET_BITS: u32 = 40;
/// The largest offset that fits.
pub(super) const LARGEST_OFFSET: i64 = (1 << OFFSET_BITS) - 1;

/// The key of the batch of `partition` that ends at `last_offset`.
pub(super) fn key(partition: PartitionId, last_offset: i64) -> i64 {
    (partition.0 << OFFSET_BITS) | last_offset.clamp(0, LARGEST_OFFSET)
}

/// The offset within a key.
pub(super) fn last_offset(key: i64) -> i64 {
    key & LARGEST_OFFSET
}

/// The partition of a key.
pub(super) fn partition(key: i64) -> PartitionId {
    PartitionId(key >> OFFSET_BITS)
}

/// Settings of every connection.
pub(super) fn prepare_connection(connection: &Connection) -> Result<(), StorageError> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -8192;")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Creates the tables of a new database.
pub(super) fn create(connection: &Connection) -> Result<(), StorageError> {
    connection.execute_batch(
        "BEGIN IMMEDIATE;
         CREATE TABLE topics (
             id INTEGER PRIMARY KEY AUTOINCREMENT,
             name TEXT NOT NULL UNIQUE,
             uuid BLOB NOT NULL,
             config TEXT NOT NULL
         );
         CREATE TABLE partitions (
             id INTEGER PRIMARY KEY AUTOINCREMENT,
             topic INTEGER NOT NULL,
             position INTEGER NOT NULL,
             log_start INTEGER NOT NULL,
             next_offset INTEGER NOT NULL,
             UNIQUE (topic, position)
         );
         CREATE TABLE batches (
             id INTEGER PRIMARY KEY,
             base_offset INTEGER NOT NULL,
             max_timestamp INTEGER NOT NULL,
             running_max_timestamp INTEGER NOT NULL,
             size INTEGER NOT NULL,
             data BLOB NOT NULL
         );
         CREATE TABLE producers (
             partition INTEGER NOT NULL,
             producer_id INTEGER NOT NULL,
             state TEXT NOT NULL,
             PRIMARY KEY (partition, producer_id)
         ) WITHOUT ROWID;
         CREATE TABLE aborted (
             partition INTEGER NOT NULL,
             last_offset INTEGER NOT NULL,
             first_offset INTEGER NOT NULL,
             producer_id INTEGER NOT NULL,
             PRIMARY KEY (partition, last_offset)
         ) WITHOUT ROWID;
         CREATE TABLE offsets (
             group_id TEXT NOT NULL,
             topic TEXT NOT NULL,
             position INTEGER NOT NULL,
             committed TEXT NOT NULL,
             PRIMARY KEY (group_id, topic, position)
         ) WITHOUT ROWID;
         CREATE TABLE pending_offsets (
             producer_id INTEGER NOT NULL,
             group_id TEXT NOT NULL,
             topic TEXT NOT NULL,
             position INTEGER NOT NULL,
             committed TEXT NOT NULL,
             PRIMARY KEY (producer_id, group_id, topic, position)
         ) WITHOUT ROWID;
         CREATE TABLE records (
             kind INTEGER NOT NULL,
             key TEXT NOT NULL,
             value BLOB NOT NULL,
             PRIMARY KEY (kind, key)
         ) WITHOUT ROWID;
         PRAGMA user_version = 1;
         COMMIT;",
    )?;
    Ok(())
}
