use std::path::PathBuf;
use std::time::Duration;

use crate::groups::Timing;
use crate::security::Users;

/// How a broker behaves, as [`EmbeddedBrokerBuilder`](crate::EmbeddedBrokerBuilder)
/// sets it.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) sync_to_disk: bool,
    /// Bytes of records kept in memory, if it was set.
    pub(crate) memory_limit: Option<usize>,
    /// Whether a client that asks for an unknown topic gets it made.
    pub(crate) auto_create_topics: bool,
    /// Partitions of a topic when its creator names no number.
    pub(crate) default_partitions: i32,
    /// How often old records are looked for.
    pub(crate) cleaning_interval: Duration,
    /// How long the first rebalance of an empty group waits for more members.
    pub(crate) initial_rebalance_delay: Duration,
    /// The shortest session a member of a group may ask for.
    pub(crate) min_session_timeout: Duration,
    /// How often members of the consumer protocol are heard of.
    pub(crate) consumer: Timing,
    /// Who may log in; while there is nobody, nobody has to.
    pub(crate) users: Users,
    /// Largest frame, in bytes.
    pub(crate) max_request_bytes: usize,
    /// Connections at a time.
    pub(crate) max_connections: usize,
    /// Bytes of all requests that are being read or answered.
    pub(crate) requests_in_memory: usize,
    /// How long a peer may take nothing of an answer, or send nothing of a
    /// request it has begun.
    pub(crate) patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            sync_to_disk: false,
            memory_limit: None,
            auto_create_topics: true,
            default_partitions: 1,
            cleaning_interval: Duration::from_secs(15),
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            consumer: Timing::default(),
            users: Users::default(),
            max_request_bytes: 100 * 1024 * 1024,
            max_connections: 4096,
            requests_in_memory: 512 * 1024 * 1024,
            patience: Duration::from_secs(30),
        }
    }
}

impl Options {
    /// Bytes of records kept in memory: a cache before a database, or all.
    pub(crate) fn memory_limit(&self) -> usize {
        let default = if self.data_dir.is_some() {
            64 << 20
        } else {
            1 << 30
        };
        self.memory_limit.unwrap_or(default)
    }
}
