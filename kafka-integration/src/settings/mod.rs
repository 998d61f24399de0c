//! Typed settings: defaults, `kafka.toml`, `kafka.<profile>.toml`, environment.

pub(crate) mod duration;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::consumer::Ordering;
use crate::retry::RetryPolicy;

/// librdkafka properties, by name.
pub type ClientProperties = BTreeMap<String, String>;

/// Everything the framework can be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `KAFKA_PROFILE`; `development` unless set.
    pub profile: String,
    /// The default cluster.
    pub cluster: ClusterSettings,
    /// Named clusters.
    pub clusters: BTreeMap<String, ClusterSettings>,
}

/// The settings of one cluster.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The cluster's addresses.
    pub bootstrap_servers: Option<String>,
    /// For producers and consumers unless their config sets `client.id`.
    pub client_id: String,
    /// Properties for both.
    pub global_config: ClientProperties,
    /// Over `global_config`, for producers.
    pub producer_config: ClientProperties,
    /// Over `global_config`, for consumers.
    pub consumer_config: ClientProperties,
    /// Longest wait of one poll. Default 1 s.
    pub polling_frequency: Duration,
    /// The name of the error handler. Default `log`.
    pub error_handler: String,
    /// How failed messages are retried.
    pub retry: RetryPolicy,
    /// How long shutdown waits for what is in flight. Default 30 s.
    pub shutdown_timeout: Duration,
    /// Messages handled at a time by a consumer. Default 1.
    pub concurrency: NonZeroUsize,
    /// Their order. Default by partition.
    pub ordering: Ordering,
    /// Most messages a consumer has taken from the client and not finished.
    pub max_in_flight: NonZeroUsize,
    /// Most bytes of such messages.
    pub max_in_flight_bytes: usize,
    /// Most messages of a partition above its committed offset.
    pub max_uncommitted: NonZeroUsize,
    /// How often offsets are committed.
    pub commit_interval: Duration,
    /// The broker in the process.
    pub embedded_broker: bool,
}

/// Whether a client is for producing or for consuming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// A producer.
    Producer,
    /// A consumer.
    Consumer,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

impl Settings {
    /// Loads them.
    pub fn load() -> Result<Self, SettingsError> {
        Err(SettingsError("not yet".into()))
    }

    /// The settings of a cluster by name; `None` is the default one.
    pub fn cluster(&self, _name: Option<&str>) -> Result<&ClusterSettings, SettingsError> {
        Ok(&self.cluster)
    }
}

impl ClusterSettings {
    /// The merged client configuration.
    pub fn client_config(
        &self,
        _kind: ClientKind,
        _overrides: &[(String, String)],
    ) -> Result<ClientConfig, SettingsError> {
        Ok(ClientConfig::new())
    }
}
