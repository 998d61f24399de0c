//! The handle that ties settings, producers, state and error handlers together.

mod embedded;
mod errors;
mod log;

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rustc_hash::FxHashMap;

pub use errors::{ClientError, ErrorAction, ErrorHandler, LogErrors};
pub(crate) use log::{log_client, logged};

use crate::producer::{FlushReport, Producer, Producers, moves};
use crate::settings::{ClientKind, Settings, SettingsError};

/// A process's connection to Kafka: cheap to clone, shared by web handlers and
/// consumers.
#[derive(Clone)]
pub struct Kafka {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    state: FxHashMap<TypeId, Box<dyn Any + Send + Sync>>,
    error_handlers: BTreeMap<String, Arc<dyn ErrorHandler>>,
    producers: Producers,
    embedded: embedded::Brokers,
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

static INSTALLED: OnceLock<Kafka> = OnceLock::new();

tokio::task_local! {
    static CURRENT: Kafka;
}

/// Why there is no [`Kafka`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// [`Kafka::install`] was called twice.
    #[error("a Kafka is installed in this process already; call `install` once, in `main`")]
    AlreadyInstalled,
    /// The setting `error_handler` names one that was never given.
    #[error(
        "error_handler = \"{name}\": there is no such handler; known: {known}. \
             Give it with `Kafka::builder().error_handler(\"{name}\", …)`"
    )]
    UnknownErrorHandler {
        /// The name in the settings.
        name: String,
        /// The names there are.
        known: String,
    },
    /// There is no embedded broker to connect to: an
    #[cfg_attr(
        feature = "embedded-broker",
        doc = "[`EmbeddedError`](crate::embedded::EmbeddedError)."
    )]
    #[cfg_attr(not(feature = "embedded-broker"), doc = "`EmbeddedError`.")]
    #[error("no embedded broker: {0}")]
    Embedded(#[source] Arc<dyn Error + Send + Sync>),
    /// The client of a cluster can't be made.
    #[error("the producer of cluster {cluster} can't be made: {source}")]
    Producer {
        /// The cluster; `default` for the one without a name.
        cluster: String,
        /// What the client said.
        source: rdkafka::error::KafkaError,
    },
    /// [`Kafka::shutdown`] was called.
    #[error(
        "this Kafka handle was shut down and produces no more; let what produces finish before \
         `Kafka::shutdown`"
    )]
    ShutDown,
}

/// A consume hook asked for state that was never given.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "no state of type `{type_name}`; give it with `Kafka::builder().state(…)` before the consumers start"
)]
pub struct MissingState {
    type_name: &'static str,
}

/// Collects what a [`Kafka`] is made of.
#[derive(Default)]
pub struct KafkaBuilder {
    settings: Option<Settings>,
    state: FxHashMap<TypeId, Box<dyn Any + Send + Sync>>,
    error_handlers: BTreeMap<String, Arc<dyn ErrorHandler>>,
}

impl KafkaBuilder {
    /// The settings; those of [`Settings::load`] unless given.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// A value that consume hooks find with
    /// [`Context::state`](crate::runner::Context::state), one of each type.
    #[must_use]
    pub fn state<S: Send + Sync + 'static>(mut self, state: S) -> Self {
        self.state.insert(TypeId::of::<S>(), Box::new(state));
        self
    }

    /// A handler of client errors, which the setting `error_handler` chooses by
    /// its name. `log` is there already.
    #[must_use]
    pub fn error_handler(
        mut self,
        name: impl Into<String>,
        handler: impl ErrorHandler + 'static,
    ) -> Self {
        self.error_handlers.insert(name.into(), Arc::new(handler));
        self
    }

    /// Makes the handle. Nothing connects yet.
    ///
    /// # Errors
    /// When the settings can't be loaded, name an error handler that was not
    /// given, or have a retry policy that contradicts itself.
    pub fn build(self) -> Result<Kafka, KafkaError> {
        let kafka = self.build_without_handlers()?;
        let settings = kafka.settings();
        for cluster in std::iter::once(&settings.cluster).chain(settings.clusters.values()) {
            kafka.error_handler(&cluster.error_handler)?;
            cluster.check_retries()?;
        }
        Ok(kafka)
    }

    /// [`build`](Self::build) for what runs no consumers, and so needs no error
    /// handlers: the application may give them in another process.
    pub(crate) fn build_without_handlers(mut self) -> Result<Kafka, KafkaError> {
        self.error_handlers
            .entry("log".to_owned())
            .or_insert_with(|| Arc::new(LogErrors::default()));
        let settings = match self.settings {
            Some(settings) => settings,
            None => Settings::load()?,
        };
        Ok(Kafka {
            inner: Arc::new(Inner {
                settings,
                state: self.state,
                error_handlers: self.error_handlers,
                producers: Producers::new(),
                embedded: embedded::Brokers::default(),
            }),
        })
    }
}

impl Kafka {
    /// Starts with nothing.
    pub fn builder() -> KafkaBuilder {
        KafkaBuilder::default()
    }

    /// Makes this the one that `Topic::produce` finds by itself.
    ///
    /// # Errors
    /// When one is installed already.
    pub fn install(&self) -> Result<(), KafkaError> {
        INSTALLED
            .set(self.clone())
            .map_err(|_| KafkaError::AlreadyInstalled)
    }

    /// The one this code runs under: that of the runner inside a consume hook,
    /// otherwise the installed one, otherwise one made from [`Settings::load`]
    /// and installed.
    ///
    /// # Errors
    /// When the settings can't be loaded.
    pub fn current() -> Result<Self, KafkaError> {
        if let Ok(kafka) = CURRENT.try_with(Self::clone) {
            return Ok(kafka);
        }
        if let Some(kafka) = INSTALLED.get() {
            return Ok(kafka.clone());
        }
        let kafka = Self::builder().build_without_handlers()?;
        Ok(INSTALLED.get_or_init(|| kafka).clone())
    }

    /// Runs a future under this handle: `Topic::produce` inside it uses it.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self.clone(), future)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The state of that type.
    ///
    /// # Errors
    /// When none was given.
    pub fn state<S: Send + Sync + 'static>(&self) -> Result<&S, MissingState> {
        self.inner
            .state
            .get(&TypeId::of::<S>())
            .and_then(|state| state.downcast_ref())
            .ok_or(MissingState {
                type_name: std::any::type_name::<S>(),
            })
    }

    pub(crate) fn error_handler(&self, name: &str) -> Result<Arc<dyn ErrorHandler>, KafkaError> {
        let handlers = &self.inner.error_handlers;
        handlers
            .get(name)
            .cloned()
            .ok_or_else(|| KafkaError::UnknownErrorHandler {
                name: name.to_owned(),
                known: handlers.keys().cloned().collect::<Vec<_>>().join(", "),
            })
    }

    /// The configuration of a client of that cluster, address included.
    ///
    /// When the settings ask for the embedded broker, waits until it answers:
    /// see [`embedded_address`](Self::embedded_address) for where that must not
    /// hold up a thread.
    ///
    /// # Errors
    /// When the settings can't be used, or there is no embedded broker.
    pub fn client_config(
        &self,
        cluster: Option<&str>,
        kind: ClientKind,
        overrides: &[(String, String)],
    ) -> Result<ClientConfig, KafkaError> {
        let settings = self.inner.settings.cluster(cluster)?;
        let mut config = settings.client_config(kind, overrides)?;
        if config.get("bootstrap.servers").is_none() {
            let Some(embedded) = &settings.embedded_broker else {
                // librdkafka would wait for ever without a word.
                return Err(settings
                    .missing_address(&self.inner.settings.profile)
                    .into());
            };
            config.set(
                "bootstrap.servers",
                self.inner.embedded.address_blocking(embedded)?,
            );
            if kind != ClientKind::Producer {
                embedded::suit(&mut config);
            }
        }
        Ok(config)
    }

    /// The producer of that cluster, or of the default one: one for all, made
    /// when it is first asked for, and again when it failed for good.
    ///
    /// # Errors
    /// When the settings can't be used, or after [`shutdown`](Self::shutdown).
    pub fn producer(&self, cluster: Option<&str>) -> Result<Producer, KafkaError> {
        self.inner.producers.get(cluster, || {
            self.client_config(cluster, ClientKind::Producer, &[])
        })
    }

    /// The producer that moves messages to retry and dead-letter topics of that
    /// cluster, made like [`producer`](Self::producer).
    pub(crate) fn mover_producer(&self, cluster: Option<&str>) -> Result<Producer, KafkaError> {
        self.inner.producers.get_for_moves(cluster, || {
            let mut config =
                self.client_config(cluster, ClientKind::Producer, &moves::overrides())?;
            moves::suit(&mut config);
            Ok(config)
        })
    }

    /// Waits until every record queued so far is acknowledged or failed, at
    /// most for `timeout`; tells what is left. It does not block the runtime.
    pub async fn flush(&self, timeout: Duration) -> FlushReport {
        self.inner.producers.flush(timeout).await
    }

    /// Ends producing: takes no more records, flushes for at most `timeout`,
    /// then gives up what is left, whose callers get an error. Tells and logs
    /// how many those were.
    ///
    /// An embedded broker that runs in this process and that no other handle
    /// uses stops then, when all that was accepted is written.
    ///
    /// To be called when everything that produces has ended, before the
    /// process does.
    pub async fn shutdown(&self, timeout: Duration) -> FlushReport {
        let report = self.inner.producers.shut_down(timeout).await;
        self.inner.embedded.release().await;
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "embedded-broker")]
    use crate::settings::EmbeddedBrokerSettings;

    fn config(settings: Settings) -> Result<ClientConfig, KafkaError> {
        let kafka = Kafka::builder().settings(settings).build()?;
        kafka.client_config(None, ClientKind::Producer, &[])
    }

    #[test]
    fn the_address_of_the_settings_reaches_the_client() {
        let config = config(Settings::with_bootstrap_servers("kafka:9092")).expect("it is set");
        assert_eq!(config.get("bootstrap.servers"), Some("kafka:9092"));
    }

    #[test]
    fn an_error_handler_that_nobody_gave_is_refused_for_every_cluster() {
        use crate::settings::ClusterSettings;

        let mut settings = Settings::with_bootstrap_servers("kafka:9092");
        let cluster = ClusterSettings {
            error_handler: "sentry".to_owned(),
            ..settings.cluster.clone()
        };
        settings.clusters.insert("eu".to_owned(), cluster);
        let builder = Kafka::builder().settings(settings.clone());
        let said = builder.build().expect_err("nobody gave it").to_string();
        assert!(
            said.contains("\"sentry\"") && said.contains("log"),
            "{said}"
        );
        let builder = Kafka::builder().settings(settings);
        let given = builder.error_handler("sentry", LogErrors::default());
        given.build().expect("it was given");
    }

    #[test]
    fn a_cluster_with_neither_address_nor_embedded_broker_is_refused() {
        let mut settings = Settings::default();
        settings.cluster.embedded_broker = None;
        let error = config(settings).expect_err("there is nothing to connect to");
        assert!(
            error.to_string().contains("`bootstrap_servers` is not set"),
            "{error}"
        );
    }

    #[cfg(feature = "embedded-broker")]
    #[test]
    fn without_an_address_the_embedded_broker_is_started() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().join("data");
        let mut settings = Settings::default();
        settings.cluster.embedded_broker = Some(EmbeddedBrokerSettings::in_directory(&data_dir));
        let config = config(settings).expect("it starts");
        let address = config.get("bootstrap.servers").expect("it has an address");
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        let ignored = std::fs::read_to_string(data_dir.join(".gitignore"));
        assert_eq!(ignored.expect("it is there"), "*\n");
    }

    #[cfg(not(feature = "embedded-broker"))]
    #[test]
    fn without_an_address_and_an_embedded_broker_the_way_out_is_named() {
        let said = config(Settings::default())
            .expect_err("it is not compiled in")
            .to_string();
        assert!(
            said.contains("`bootstrap_servers`") && said.contains("feature `embedded-broker`"),
            "{said}"
        );
    }
}
