//! The embedded broker: Kafka's protocol in the process, for development and
//! tests. Production runs on Apache Kafka.
//!
//! The setting `embedded_broker` asks for one that keeps its data in a
//! directory. The first process that needs it runs it; every other one that
//! names the same directory finds it there and connects to it, and goes on
//! with it at the same address should the first one end.
//!
//! A test has one of its own, in memory, which it can also have fail on purpose
//! ([`EmbeddedBroker::faults`]):
//!
//! ```
//! use kafka_integration::embedded::EmbeddedBroker;
//! use kafka_integration::prelude::*;
//! use kafka_integration::settings::Settings;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = EmbeddedBroker::builder().start().await?;
//! let settings = Settings::with_bootstrap_servers(broker.bootstrap_servers());
//! let kafka = Kafka::builder().settings(settings).build()?;
//! // … produce and consume …
//! # drop(kafka);
//! broker.stop().await;
//! # Ok(())
//! # }
//! ```

mod error;
mod shared;

use std::path::Path;

pub use error::EmbeddedError;
pub use kafka_integration_broker::{
    ApiKey, EmbeddedBroker, EmbeddedBrokerBuilder, ErrorCode, Fault, FaultBuilder, FaultError,
    Faults, StartError,
};

pub(crate) use shared::Shared;

/// Partitions of a topic that is made without a number: enough that several
/// members of a group have something to do, and that nobody takes the order
/// within a partition for the order within a topic.
pub(crate) const PARTITIONS: u16 = 4;

/// Makes a data directory, which no version control is to see. One that was
/// there is left alone: there may be more in it.
pub(crate) fn make_directory(directory: &Path) -> Result<(), EmbeddedError> {
    if directory.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(directory.join(".gitignore"), "*\n"))
        .map_err(|source| EmbeddedError::Directory {
            directory: directory.to_path_buf(),
            source,
        })
}
