use std::sync::Arc;

/// The data could not be read or written. Nothing of the change was kept.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum StorageError {
    /// SQLite refused, a full disk included.
    #[error("the broker's database: {0}")]
    Database(Arc<rusqlite::Error>),
    /// Memory mode reached the limit it was given.
    #[error(
        "the broker's memory limit of {limit} bytes is reached; set retention, or use a data directory"
    )]
    Full {
        /// In bytes.
        limit: usize,
    },
    /// The broker stops.
    #[error("the broker is stopping")]
    Stopped,
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}
