use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::options::Options;
use crate::store::{self, OpenError, StorageError};
use crate::transactions::RestoreError;

/// Why a broker did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken, or not of this machine. Choose another, or port 0.
    #[error("the broker can't listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another broker has the data directory. Connect to that one, stop it, or
    /// use another directory.
    #[error(
        "another broker uses the data directory {}{}",
        directory.display(),
        address.as_ref().map(|address| format!(": it listens on {address}")).unwrap_or_default()
    )]
    InUse {
        /// The data directory.
        directory: PathBuf,
        /// Where clients reach that broker. `None` while it starts or stops.
        address: Option<String>,
    },
    /// The data directory can't be made, or not be written to.
    #[error("the data directory {} can't be used: {source}", directory.display())]
    Directory {
        /// The data directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another version of the broker wrote the data. Use that version, or
    /// another directory.
    #[error(
        "{} was written by another version of the broker: its layout is {found}, this version \
         knows {known}",
        file.display()
    )]
    Version {
        /// The database.
        file: PathBuf,
        /// The layout of the database.
        found: i64,
        /// The layout this version reads and writes.
        known: i64,
    },
    /// The data can't be read: it is damaged, or no broker's.
    #[error("{} can't be read: {source}", file.display())]
    Unreadable {
        /// The database.
        file: PathBuf,
        /// What the database said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The data can't be written, as on a full disk.
    #[error("the broker's first write failed: {0}")]
    Write(#[source] Box<dyn Error + Send + Sync>),
    /// The system gives no thread.
    #[error("the broker's threads could not be started: {0}")]
    Thread(#[source] io::Error),
}

impl StartError {
    /// Transactions of before could not be taken up again.
    pub(crate) fn of_transactions(error: RestoreError, options: &Options) -> Self {
        let directory = options.data_dir.clone().unwrap_or_default();
        match error {
            RestoreError::Storage(error) => error.into(),
            error @ RestoreError::Unreadable { .. } => Self::Unreadable {
                file: directory.join(store::FILE),
                source: error.into(),
            },
        }
    }
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Directory { path, source } => Self::Directory {
                directory: path,
                source,
            },
            OpenError::InUse { path, address } => Self::InUse {
                directory: path,
                address,
            },
            OpenError::Version { path, found, known } => Self::Version {
                file: path,
                found,
                known,
            },
            OpenError::Unreadable { path, source } => Self::Unreadable {
                file: path,
                source: source.into(),
            },
            OpenError::Thread(source) => Self::Thread(source),
        }
    }
}

impl From<StorageError> for StartError {
    fn from(error: StorageError) -> Self {
        Self::Write(error.into())
    }
}
