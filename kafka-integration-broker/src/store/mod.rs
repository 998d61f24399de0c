//! What survives a restart, and how it changes.
//!
//! One thread, the [`Writer`], makes every change. It drains its queue, writes
//! all of it in one SQLite transaction (group commit), and only after the
//! commit makes the changes visible, answers, and wakes who waits. A failed
//! commit leaves everything as it was. Without a data directory the same
//! thread does the same without the database.

mod changes;
mod database;
mod error;
mod lock;
mod open;
mod reader;
mod schema;
mod writer;

pub(crate) use self::changes::{Change, Changes, Marker, RecordKind};
pub(crate) use self::error::StorageError;
pub(crate) use self::lock::announce;
#[cfg(test)]
pub(crate) use self::open::Opened;
pub(crate) use self::open::{FILE, OpenError, StoreOptions, erase, open};
pub(crate) use self::reader::{BatchInfo, Reader};
pub(crate) use self::writer::{
    AppendError, Appended, Compaction, ConfigTarget, ConfigureError, TopicError, Writer,
};
