use std::path::PathBuf;
use std::time::Duration;

/// How a broker behaves, as [`EmbeddedBrokerBuilder`](crate::EmbeddedBrokerBuilder)
/// sets it.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) sync_to_disk: bool,
    /// Bytes of records kept in memory.
    pub(crate) memory_limit: usize,
    /// Whether a client that asks for an unknown topic gets it made.
    pub(crate) auto_create_topics: bool,
    /// Partitions of a topic when its creator names no number.
    pub(crate) default_partitions: i32,
    /// How long the first rebalance of an empty group waits for more members.
    pub(crate) initial_rebalance_delay: Duration,
    /// Largest frame, in bytes.
    pub(crate) max_request_bytes: usize,
    /// Connections at a time.
    pub(crate) max_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            sync_to_disk: false,
            memory_limit: 64 * 1024 * 1024,
            auto_create_topics: true,
            default_partitions: 1,
            initial_rebalance_delay: Duration::ZERO,
            max_request_bytes: 100 * 1024 * 1024,
            max_connections: 4096,
        }
    }
}
