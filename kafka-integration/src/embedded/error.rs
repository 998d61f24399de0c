use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::StartError;

/// Why there is no embedded broker to connect to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// It did not start in this process.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Another process has the data directory, and no broker answers for it.
    /// Most likely that process hangs: end it.
    #[error(
        "another process has the data directory {}, but {} after {waited:?}",
        directory.display(),
        match address {
            Some(address) => format!("nothing answers at {address}"),
            None => "does not say where its broker listens (`broker.address` is missing)".to_owned(),
        }
    )]
    Silent {
        /// The data directory.
        directory: PathBuf,
        /// The address it gives, if it does.
        address: Option<String>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The data directory can't be made.
    #[error("the data directory {} can't be made: {source}", directory.display())]
    Directory {
        /// The data directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no thread or runtime.
    #[error("the broker's threads could not be started: {0}")]
    Thread(#[source] io::Error),
}
