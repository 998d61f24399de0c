#![doc = include_str!("guide.md")]

mod check;
mod decode;
pub(crate) mod duration;
mod embedded;
mod error;
mod loader;
mod merge;
mod nearest;
mod origins;
mod properties;
mod property_names;
mod reader;
mod retry;
mod secrets;
mod size;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use rdkafka::ClientConfig;

pub use embedded::EmbeddedBrokerSettings;
pub use error::{Hint, SettingsError, SettingsProblem};
pub use loader::Loader;
pub use origins::Setting;
pub use properties::ClientProperties;

use crate::consumer::Ordering;
use crate::retry::{RetryPolicy, TopicNames};

/// The profile unless another is named.
pub const PROFILE_DEVELOPMENT: &str = "development";

/// The profile that refuses what is for development only.
pub const PROFILE_PRODUCTION: &str = "production";

/// Everything the framework can be told. See the [module](self) for the keys.
///
/// [`Settings::default`] is what a process gets that sets nothing: the profile
/// `development` and the embedded broker.
///
/// ```
/// use kafka_integration::settings::Settings;
///
/// let mut settings = Settings::with_bootstrap_servers("localhost:9092");
/// settings.cluster.consumer_config.set("fetch.min.bytes", "1000");
/// # assert!(settings.cluster.embedded_broker.is_none());
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `KAFKA_PROFILE`; `development` unless set.
    pub profile: String,
    /// The default cluster.
    pub cluster: ClusterSettings,
    /// Named clusters.
    pub clusters: BTreeMap<String, ClusterSettings>,
}

/// The settings of one cluster. [`ClusterSettings::default`] has no address
/// and no embedded broker.
#[derive(Debug, Clone)]
pub struct ClusterSettings {
    /// The name under `clusters`; `None` is the default cluster.
    pub(crate) name: Option<String>,
    pub(crate) origins: origins::Origins,
    /// The cluster's addresses, `host:port` with commas between. `None` with
    /// the embedded broker.
    pub bootstrap_servers: Option<String>,
    /// For producers and consumers unless their config sets `client.id`.
    /// Default `<hostname>-rust`.
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
    /// How failed messages are retried, unless their topic or consumer says
    /// otherwise.
    pub retry: RetryPolicy,
    /// Over `consumer_config`, for the consumers of retry topics.
    pub retry_consumer_config: ClientProperties,
    /// The word that names retry topics and their groups, of letters that a
    /// topic's name may have. Default `retry`.
    pub retry_topic_suffix: String,
    /// The word that names dead-letter topics, not the same. Default `dlt`.
    pub dead_letter_topic_suffix: String,
    /// Whether missing retry and dead-letter topics are created. Default true.
    pub create_retry_topics: bool,
    /// How long shutdown waits for what is in flight. Default 30 s.
    pub shutdown_timeout: Duration,
    /// Messages handled at a time by a consumer. Default 1.
    pub concurrency: NonZeroUsize,
    /// Their order. Default by partition.
    pub ordering: Ordering,
    /// Most messages a consumer has taken from the client and not finished.
    /// Default 100,000.
    pub max_in_flight: NonZeroUsize,
    /// Most bytes of such messages. Default 64 MiB.
    pub max_in_flight_bytes: usize,
    /// Most messages of a partition that were delivered and are above its
    /// committed offset, without those that the commit records as finished.
    /// Default 200,000: above `max_in_flight`, so that a partition is only paused
    /// when something is stuck in it.
    pub max_uncommitted: NonZeroUsize,
    /// How often offsets are committed. Default 100 ms.
    pub commit_interval: Duration,
    /// The embedded broker instead of an address. Default none; there is one for
    /// the default cluster when nothing is set and the profile is `development`.
    pub embedded_broker: Option<EmbeddedBrokerSettings>,
}

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// A producer.
    Producer,
    /// A consumer.
    Consumer,
    /// The consumer of a consumer's retry topics.
    RetryConsumer,
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::RetryConsumer => "retry consumer",
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: PROFILE_DEVELOPMENT.to_owned(),
            cluster: ClusterSettings {
                embedded_broker: Some(EmbeddedBrokerSettings::default()),
                ..ClusterSettings::default()
            },
            clusters: BTreeMap::new(),
        }
    }
}

impl Default for ClusterSettings {
    fn default() -> Self {
        const fn count(number: usize) -> NonZeroUsize {
            match NonZeroUsize::new(number) {
                Some(number) => number,
                None => NonZeroUsize::MIN,
            }
        }
        let host = gethostname::gethostname();
        let names = TopicNames::default();
        Self {
            name: None,
            origins: origins::Origins::default(),
            bootstrap_servers: None,
            client_id: format!("{}-rust", host.to_string_lossy()),
            global_config: ClientProperties::new(),
            producer_config: ClientProperties::new(),
            consumer_config: ClientProperties::new(),
            polling_frequency: Duration::from_secs(1),
            error_handler: "log".to_owned(),
            retry: RetryPolicy::default(),
            retry_consumer_config: ClientProperties::new(),
            retry_topic_suffix: names.retry_suffix,
            dead_letter_topic_suffix: names.dead_letter_suffix,
            create_retry_topics: true,
            shutdown_timeout: Duration::from_secs(30),
            concurrency: NonZeroUsize::MIN,
            ordering: Ordering::default(),
            max_in_flight: count(100_000),
            max_in_flight_bytes: 64 << 20,
            max_uncommitted: count(200_000),
            commit_interval: Duration::from_millis(100),
            embedded_broker: None,
        }
    }
}

impl Settings {
    /// Loads them from files and environment, as the [module](self) says, and
    /// checks them. Nothing connects.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load() -> Result<Self, SettingsError> {
        Loader::from_process().load()
    }

    /// Loads them from the files of that directory and from those variables
    /// instead of the process's.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load_from<K: Into<String>, V: Into<String>>(
        directory: impl Into<PathBuf>,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, SettingsError> {
        Loader::new()
            .directory(directory)
            .variables(variables)
            .load()
    }

    /// Loads them from a TOML text alone, in the profile `development`.
    ///
    /// ```
    /// use kafka_integration::settings::Settings;
    ///
    /// let error = Settings::from_toml("concurency = 4").expect_err("a typo");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the TOML text: unknown key `concurency`; did you mean `concurrency`?"
    /// );
    /// ```
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        Loader::new().toml("the TOML text", text).load()
    }

    /// The defaults, for the cluster at those addresses.
    pub fn with_bootstrap_servers(addresses: impl Into<String>) -> Self {
        Self {
            cluster: ClusterSettings {
                bootstrap_servers: Some(addresses.into()),
                ..ClusterSettings::default()
            },
            ..Self::default()
        }
    }

    /// The settings of a cluster by name; `None` is the default one.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn cluster(&self, name: Option<&str>) -> Result<&ClusterSettings, SettingsError> {
        let Some(name) = name else {
            return Ok(&self.cluster);
        };
        self.clusters.get(name).ok_or_else(|| {
            let known = self.clusters.keys().map(String::as_str);
            SettingsProblem::UnknownCluster {
                name: name.to_owned(),
                hint: nearest::nearest(name, known),
            }
            .into()
        })
    }

    /// Every setting in effect with its origin, secrets masked, in a stable
    /// order: what `kafka-check` prints.
    pub fn describe(&self) -> Vec<Setting> {
        origins::describe(self)
    }
}

impl ClusterSettings {
    /// How its retry and dead-letter topics are named.
    pub fn topic_names(&self) -> TopicNames {
        TopicNames {
            retry_suffix: self.retry_topic_suffix.clone(),
            dead_letter_suffix: self.dead_letter_topic_suffix.clone(),
        }
    }

    /// The embedded broker that its clients get, having no address.
    pub(crate) fn embedded_in_use(&self) -> Option<&EmbeddedBrokerSettings> {
        let is_address = |name: &&str| {
            let tables = self.property_tables();
            tables.into_iter().any(|(_, p)| p.get(name).is_some())
        };
        self.embedded_broker.as_ref().filter(|_| {
            self.bootstrap_servers.is_none() && !decode::ADDRESS_PROPERTIES.iter().any(is_address)
        })
    }

    /// The configuration of one client: the framework's defaults, the
    /// settings, and over them `overrides`, a consumer's own `config(…)`. A
    /// retry consumer takes all of that but `auto.offset.reset`, which says
    /// where its consumer begins.
    ///
    /// The address is left out with the embedded broker. The result holds
    /// secrets, and rdkafka's `Debug` of it masks only some of them: don't
    /// print it.
    ///
    /// # Errors
    /// When librdkafka refuses a property, or the framework must have it as it
    /// is.
    pub fn client_config(
        &self,
        kind: ClientKind,
        overrides: &[(String, String)],
    ) -> Result<ClientConfig, SettingsError> {
        merge::client_config(self, kind, overrides)
    }

    /// What is said when the cluster has neither an address nor the embedded
    /// broker.
    pub(crate) fn missing_address(&self, profile: &str) -> SettingsError {
        let key = self.key("bootstrap_servers");
        SettingsProblem::MissingAddress {
            variable: source::variable(&key),
            key,
            profile: profile.to_owned(),
        }
        .into()
    }

    /// The tables of client properties, lowest first.
    pub(crate) fn property_tables(&self) -> [(&'static str, &ClientProperties); 4] {
        [
            ("global_config", &self.global_config),
            ("producer_config", &self.producer_config),
            ("consumer_config", &self.consumer_config),
            ("retry_consumer_config", &self.retry_consumer_config),
        ]
    }
}
