//! The handle that ties settings, producers, state and error handlers together.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use rdkafka::ClientConfig;

use crate::settings::{ClientKind, Settings, SettingsError};

/// A process's connection to Kafka: cheap to clone, shared by web handlers and
/// consumers.
#[derive(Clone)]
pub struct Kafka {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    state: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    #[cfg(feature = "embedded-broker")]
    embedded: parking_lot::Mutex<Option<crate::embedded::EmbeddedBroker>>,
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
    /// No address is set, or `embedded_broker` is, and the embedded broker is
    /// not compiled in.
    #[error(
        "no address of a Kafka cluster: set `bootstrap_servers` in kafka.toml (or KAFKA__BOOTSTRAP_SERVERS), or turn on the feature `embedded-broker` of kafka-integration for the broker in the process"
    )]
    NoEmbeddedBroker,
    /// The embedded broker did not start.
    #[error("the embedded broker did not start: {0}")]
    Embedded(String),
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
    state: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
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

    /// Makes the handle. Nothing connects yet.
    ///
    /// # Errors
    /// When the settings can't be loaded.
    pub fn build(self) -> Result<Kafka, KafkaError> {
        let settings = match self.settings {
            Some(settings) => settings,
            None => Settings::load()?,
        };
        Ok(Kafka {
            inner: Arc::new(Inner {
                settings,
                state: self.state,
                #[cfg(feature = "embedded-broker")]
                embedded: parking_lot::Mutex::new(None),
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
        let kafka = Self::builder().build()?;
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

    /// The configuration of a client of that cluster, address included; starts
    /// the embedded broker when the settings ask for it.
    ///
    /// # Errors
    /// When the settings can't be used.
    pub fn client_config(
        &self,
        cluster: Option<&str>,
        kind: ClientKind,
        overrides: &[(String, String)],
    ) -> Result<ClientConfig, KafkaError> {
        let settings = self.inner.settings.cluster(cluster)?;
        let mut config = settings.client_config(kind, overrides)?;
        if config.get("bootstrap.servers").is_none() {
            if !settings.embedded_broker {
                // librdkafka would wait for ever without a word.
                return Err(settings
                    .missing_address(&self.inner.settings.profile)
                    .into());
            }
            config.set("bootstrap.servers", self.embedded_address()?);
        }
        Ok(config)
    }

    #[cfg(not(feature = "embedded-broker"))]
    fn embedded_address(&self) -> Result<String, KafkaError> {
        Err(KafkaError::NoEmbeddedBroker)
    }

    #[cfg(feature = "embedded-broker")]
    fn embedded_address(&self) -> Result<String, KafkaError> {
        let mut embedded = self.inner.embedded.lock();
        if let Some(broker) = &*embedded {
            return Ok(broker.bootstrap_servers().to_owned());
        }
        let broker = crate::embedded::EmbeddedBroker::start()
            .map_err(|e| KafkaError::Embedded(e.to_string()))?;
        let address = broker.bootstrap_servers().to_owned();
        *embedded = Some(broker);
        Ok(address)
    }
}
