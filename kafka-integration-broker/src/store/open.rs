//! Opening the data directory, and reading back what it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::{io, thread};

use rusqlite::Connection;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::database::Database;
use super::lock::DirectoryLock;
use super::writer::{QUEUE, Worker};
use super::{Reader, RecordKind, StorageError, Writer, schema};
use crate::configs::{BrokerConfig, TopicConfig};
use crate::groups::{CommittedOffset, Offsets, TopicPartition};
use crate::log::{
    AbortedTransaction, AppendState, Catalogue, Partition, PartitionId, PartitionView, Producer,
    Topic,
};

/// The database, in the data directory.
pub(crate) const FILE: &str = "broker.db";

/// Where data goes.
#[derive(Debug, Clone)]
pub(crate) struct StoreOptions {
    /// `None` keeps everything in memory.
    pub(crate) data_dir: Option<PathBuf>,
    /// Waits for the disk at each commit, so that a power loss loses nothing.
    pub(crate) sync_to_disk: bool,
    /// Bytes of the newest records kept in memory. In memory mode: of all.
    pub(crate) memory_limit: usize,
}

/// Why the data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the directory {path:?} could not be used: {source}")]
    Directory { path: PathBuf, source: io::Error },
    #[error("another broker uses the directory {path:?}")]
    InUse {
        path: PathBuf,
        address: Option<String>,
    },
    #[error(
        "{path:?} was written by another version of the broker (layout {found}; this one knows {known})"
    )]
    Version {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{path:?} could not be read: {source}")]
    Unreadable { path: PathBuf, source: StorageError },
    #[error("the writing thread could not be started: {0}")]
    Thread(io::Error),
}

/// What [`open`] found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) offsets: Arc<Offsets>,
    /// Stored records by kind and key.
    pub(crate) records: BTreeMap<RecordKind, BTreeMap<String, Vec<u8>>>,
    /// Ends when the writing thread has ended.
    pub(crate) thread: thread::JoinHandle<()>,
}

/// Opens the store and starts its thread.
///
/// # Errors
/// The directory cannot be made, is in use, or holds something else.
pub(crate) fn open(options: &StoreOptions) -> Result<Opened, OpenError> {
    let catalogue = Arc::new(Catalogue::default());
    let offsets = Arc::new(Offsets::default());
    let mut records = BTreeMap::new();
    let mut database = None;
    let mut reader = Reader::memory();
    let mut swept = Vec::new();
    let mut checkpoint = None;
    let mut lock = None;
    if let Some(directory) = &options.data_dir {
        lock = Some(DirectoryLock::take(directory)?);
        let path = directory.join(FILE);
        let unreadable = |source| OpenError::Unreadable {
            path: path.clone(),
            source,
        };
        let connection = connect(&path, options.sync_to_disk)?;
        swept = load(&connection, &catalogue, &offsets, &mut records).map_err(unreadable)?;
        if let Some(stored) = records.remove(&RecordKind::BrokerConfig) {
            catalogue.set_broker(BrokerConfig::stored(&stored));
        }
        checkpoint = Some(start_checkpoints(&path)?);
        reader = Reader::disk(path);
        database = Some(Database::new(connection));
    }
    let (sender, receiver) = mpsc::channel(QUEUE);
    let worker = Worker::new(
        database,
        Arc::clone(&catalogue),
        Arc::clone(&offsets),
        options.memory_limit,
        swept,
        checkpoint,
    );
    let thread = thread::Builder::new()
        .name("kafka-broker-write".into())
        .spawn(move || {
            worker.run(receiver);
            // Held until nothing is written any more.
            drop(lock);
        })
        .map_err(OpenError::Thread)?;
    Ok(Opened {
        writer: Writer::new(sender),
        reader,
        catalogue,
        offsets,
        records,
        thread,
    })
}

/// Deletes the database of a directory that no broker uses.
pub(crate) fn erase(directory: &Path) -> Result<(), OpenError> {
    if !directory.exists() {
        return Ok(());
    }
    let _lock = DirectoryLock::take(directory)?;
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(directory.join(format!("{FILE}{suffix}"))) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::Directory {
                    path: directory.to_path_buf(),
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

fn connect(path: &Path, sync_to_disk: bool) -> Result<Connection, OpenError> {
    let unreadable = |source| OpenError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let prepare = || -> Result<(Connection, i64), StorageError> {
        let connection = Connection::open(path)?;
        // Before the first table, or it has no effect.
        connection.pragma_update(None, "page_size", schema::PAGE_SIZE as i64)?;
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
        schema::prepare_connection(&connection)?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        // NORMAL survives a killed process and may lose the newest commits
        // when the power goes, as Apache Kafka's defaults do.
        let synchronous = if sync_to_disk { "FULL" } else { "NORMAL" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // A checkpoint within a commit would make everybody wait for it.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            schema::create(&connection)?;
            return Ok((connection, schema::VERSION));
        }
        Ok((connection, version))
    };
    let (connection, found) = prepare().map_err(unreadable)?;
    if found != schema::VERSION {
        return Err(OpenError::Version {
            path: path.to_path_buf(),
            found,
            known: schema::VERSION,
        });
    }
    Ok(connection)
}

/// Starts the thread that writes SQLite's log back into the file while the
/// writer goes on.
fn start_checkpoints(path: &Path) -> Result<SyncSender<()>, OpenError> {
    let unreadable = |source: rusqlite::Error| OpenError::Unreadable {
        path: path.to_path_buf(),
        source: source.into(),
    };
    let connection = Connection::open(path).map_err(unreadable)?;
    let (sender, receiver) = sync_channel::<()>(1);
    thread::Builder::new()
        .name("kafka-broker-checkpoint".into())
        .spawn(move || {
            while receiver.recv().is_ok() {
                if let Err(error) =
                    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
                {
                    tracing::warn!(%error, "the broker's database could not be checkpointed");
                }
            }
        })
        .map_err(OpenError::Thread)?;
    Ok(sender)
}

type Records = BTreeMap<RecordKind, BTreeMap<String, Vec<u8>>>;

/// Returns the partitions whose batches must be removed, because a stop came
/// between the deletion of their topic, or of their oldest records, and that.
fn load(
    connection: &Connection,
    catalogue: &Catalogue,
    offsets: &Offsets,
    records: &mut Records,
) -> Result<Vec<(PartitionId, i64)>, StorageError> {
    load_records(connection, records)?;
    load_offsets(connection, offsets)?;
    let mut producers = load_producers(connection)?;
    let mut aborted = load_aborted(connection)?;
    let mut partitions: FxHashMap<i64, Vec<(i32, PartitionId, i64, i64)>> = FxHashMap::default();
    let mut swept = Vec::new();
    let mut statement =
        connection.prepare("SELECT topic, position, id, log_start, next_offset FROM partitions")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let found = (
            row.get(1)?,
            PartitionId(row.get(2)?),
            row.get(3)?,
            row.get(4)?,
        );
        partitions.entry(row.get(0)?).or_default().push(found);
    }
    let mut statement = connection.prepare("SELECT id, name, uuid, config FROM topics")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let name: Arc<str> = Arc::from(row.get::<_, String>(1)?);
        let uuid = Uuid::from_slice(&row.get::<_, Vec<u8>>(2)?).unwrap_or_default();
        let overrides = serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default();
        let mut found = partitions.remove(&id).unwrap_or_default();
        found.sort_unstable();
        let mut loaded = Vec::new();
        for (index, id, log_start, next_offset) in found {
            let mut view = PartitionView {
                log_start,
                aborted: aborted.remove(&id.0).unwrap_or_default(),
                ..PartitionView::default()
            };
            let mut append = AppendState {
                next_offset,
                producers: producers.remove(&id.0).unwrap_or_default(),
                ..AppendState::default()
            };
            if let Some((last_offset, running_max)) = newest(connection, id)? {
                append.next_offset = next_offset.max(last_offset + 1);
                append.running_max_timestamp = Some(running_max);
            }
            append.open = append
                .producers
                .iter()
                .filter_map(|(id, producer)| Some((producer.open_since?, *id)))
                .collect();
            view.high_watermark = append.next_offset;
            view.first_unstable = append.first_unstable();
            if log_start > 0 {
                swept.push((id, log_start));
            }
            loaded.push(Arc::new(Partition::new(
                id,
                Arc::clone(&name),
                index,
                view,
                append,
            )));
        }
        let config = Arc::new(TopicConfig::resolve(overrides, &catalogue.broker()));
        let topic = Arc::new(Topic::new(id, name, uuid, config, loaded));
        catalogue.insert(topic);
    }
    swept.extend(orphans(connection, catalogue)?);
    Ok(swept)
}

/// Where a partition's newest batch ends, and the greatest timestamp up to it.
fn newest(connection: &Connection, id: PartitionId) -> Result<Option<(i64, i64)>, StorageError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, running_max_timestamp FROM batches WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let bounds = [schema::key(id, 0), schema::key(PartitionId(id.0 + 1), 0)];
    let mut rows = statement.query(bounds)?;
    match rows.next()? {
        Some(row) => Ok(Some((schema::last_offset(row.get(0)?), row.get(1)?))),
        None => Ok(None),
    }
}

/// Partitions that have batches and belong to no topic.
fn orphans(
    connection: &Connection,
    catalogue: &Catalogue,
) -> Result<Vec<(PartitionId, i64)>, StorageError> {
    let mut known: Vec<i64> = Vec::new();
    for topic in catalogue.topics() {
        known.extend(topic.partitions().iter().map(|partition| partition.id.0));
    }
    known.sort_unstable();
    let mut found = Vec::new();
    let mut from = 0;
    // From each partition straight to the next that has anything.
    let mut next = connection.prepare_cached("SELECT min(id) FROM batches WHERE id >= ?1")?;
    while let Some(id) = next.query_row([schema::key(PartitionId(from), 0)], |row| {
        row.get::<_, Option<i64>>(0)
    })? {
        let partition = schema::partition(id);
        if known.binary_search(&partition.0).is_err() {
            found.push((partition, schema::LARGEST_OFFSET));
        }
        from = partition.0 + 1;
    }
    Ok(found)
}

fn load_records(connection: &Connection, records: &mut Records) -> Result<(), StorageError> {
    let mut statement = connection.prepare("SELECT kind, key, value FROM records")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(kind) = RecordKind::from_number(row.get(0)?) {
            records
                .entry(kind)
                .or_default()
                .insert(row.get(1)?, row.get(2)?);
        }
    }
    Ok(())
}

fn load_offsets(connection: &Connection, offsets: &Offsets) -> Result<(), StorageError> {
    let read = |row: &rusqlite::Row<'_>| -> Result<_, rusqlite::Error> {
        let group: Arc<str> = Arc::from(row.get::<_, String>(0)?);
        let topic = Arc::from(row.get::<_, String>(1)?);
        let at = TopicPartition {
            topic,
            partition: row.get(2)?,
        };
        let committed: Option<CommittedOffset> =
            serde_json::from_str(&row.get::<_, String>(3)?).ok();
        Ok((group, at, committed))
    };
    let mut statement =
        connection.prepare("SELECT group_id, topic, position, committed FROM offsets")?;
    for row in statement.query_map([], read)? {
        if let (group, at, Some(committed)) = row? {
            offsets.publish(&group, |of| drop(of.committed.insert(at, committed)));
        }
    }
    let mut statement = connection
        .prepare("SELECT group_id, topic, position, committed, producer_id FROM pending_offsets")?;
    for row in statement.query_map([], |row| Ok((read(row)?, row.get::<_, i64>(4)?)))? {
        if let ((group, at, Some(committed)), producer) = row? {
            offsets.publish(&group, |of| {
                of.pending
                    .entry(producer)
                    .or_default()
                    .insert(at, committed);
            });
        }
    }
    Ok(())
}

type ByPartition<T> = FxHashMap<i64, T>;

fn load_producers(
    connection: &Connection,
) -> Result<ByPartition<FxHashMap<i64, Producer>>, StorageError> {
    let mut all = ByPartition::<FxHashMap<i64, Producer>>::default();
    let mut statement =
        connection.prepare("SELECT partition, producer_id, state FROM producers")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Ok(producer) = serde_json::from_str(&row.get::<_, String>(2)?) {
            all.entry(row.get(0)?)
                .or_default()
                .insert(row.get(1)?, producer);
        }
    }
    Ok(all)
}

fn load_aborted(
    connection: &Connection,
) -> Result<ByPartition<Vec<AbortedTransaction>>, StorageError> {
    let mut all = ByPartition::<Vec<AbortedTransaction>>::default();
    let mut statement = connection.prepare(
        "SELECT partition, producer_id, first_offset, last_offset FROM aborted ORDER BY partition, last_offset",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        all.entry(row.get(0)?)
            .or_default()
            .push(AbortedTransaction {
                producer_id: row.get(1)?,
                first_offset: row.get(2)?,
                last_offset: row.get(3)?,
            });
    }
    Ok(all)
}
