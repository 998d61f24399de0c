//! The embedded brokers that a handle uses.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{Kafka, KafkaError};
use crate::consumer::{ConsumerSpec, TopicBinding};
use crate::settings::{ClientKind, EmbeddedBrokerSettings};

/// Whether a client that asks for a topic has it made.
const AUTO_CREATE: &str = "allow.auto.create.topics";

/// A broker of this machine answers at once.
const ANSWER: Duration = Duration::from_secs(10);

/// What suits a consumer in development, unless it is set otherwise.
pub(super) fn suit(config: &mut ClientConfig) {
    // Nobody makes topics there by hand.
    if config.get(AUTO_CREATE).is_none() {
        config.set(AUTO_CREATE, "true");
    }
    // An application that was killed is started again at once, and waits for as
    // long as this for the partitions of its former self: the least that Kafka
    // allows. With the consumer protocol, the broker decides.
    let classic = config
        .get("group.protocol")
        .is_none_or(|protocol| protocol.eq_ignore_ascii_case("classic"));
    let timing = ["session.timeout.ms", "heartbeat.interval.ms"];
    if classic && timing.iter().all(|name| config.get(name).is_none()) {
        config.set("session.timeout.ms", "6000");
    }
}

impl Kafka {
    /// Starts the embedded broker of that cluster, or finds the one that another
    /// process runs on the same data directory, and says its address. `None`
    /// when the settings give the cluster an address instead.
    ///
    /// Clients do this by themselves; a process does it first to tell the
    /// address, or so that nothing has to wait for the start.
    ///
    /// # Errors
    /// When the settings don't know the cluster, or the broker neither starts
    /// nor answers.
    pub async fn embedded_address(
        &self,
        cluster: Option<&str>,
    ) -> Result<Option<String>, KafkaError> {
        match self.settings().cluster(cluster)?.embedded_in_use() {
            Some(settings) => self.inner.embedded.address(settings).await.map(Some),
            None => Ok(None),
        }
    }

    /// On the embedded broker, makes the topics that a consumer subscribes to by
    /// name: nobody makes them there by hand, and the client itself asks for
    /// that only with its next look at the metadata, seconds later.
    pub(crate) async fn prepare_topics(&self, spec: &ConsumerSpec) -> Result<(), KafkaError> {
        let cluster = spec.cluster.as_deref();
        if self.embedded_address(cluster).await?.is_none() {
            return Ok(());
        }
        let config = self.client_config(cluster, ClientKind::Consumer, &spec.config)?;
        if config.get(AUTO_CREATE) != Some("true") {
            return Ok(());
        }
        let names = spec.topics.iter().map(TopicBinding::name);
        let names = names.filter(|name| !name.starts_with('^'));
        let names: Vec<_> = names.map(str::to_owned).collect();
        let asked = tokio::task::spawn_blocking(move || ask_for(&config, &names)).await;
        if let Ok(Err(error)) = asked {
            // The consumer goes on asking.
            tracing::warn!(%error, "the embedded broker was not asked for a consumer's topics");
        }
        Ok(())
    }
}

fn ask_for(config: &ClientConfig, names: &[String]) -> Result<(), rdkafka::error::KafkaError> {
    let client: BaseConsumer = config.create()?;
    for name in names {
        client.fetch_metadata(Some(name), ANSWER)?;
    }
    Ok(())
}

#[cfg(feature = "embedded-broker")]
mod brokers {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::{EmbeddedBrokerSettings, KafkaError};
    use crate::embedded::{EmbeddedError, Shared};

    /// By data directory.
    #[derive(Default)]
    pub(crate) struct Brokers(parking_lot::Mutex<BTreeMap<PathBuf, Arc<Shared>>>);

    impl Brokers {
        pub(super) async fn address(
            &self,
            settings: &EmbeddedBrokerSettings,
        ) -> Result<String, KafkaError> {
            self.get(settings)?.address().await.map_err(failed)
        }

        /// The same where nothing can be awaited.
        pub(in crate::kafka) fn address_blocking(
            &self,
            settings: &EmbeddedBrokerSettings,
        ) -> Result<String, KafkaError> {
            self.get(settings)?.address_blocking().map_err(failed)
        }

        fn get(&self, settings: &EmbeddedBrokerSettings) -> Result<Arc<Shared>, KafkaError> {
            let mut used = self.0.lock();
            let found = Shared::of(settings).map_err(failed)?;
            // In place of one that failed.
            used.insert(settings.data_dir.clone(), Arc::clone(&found));
            Ok(found)
        }

        /// Waits for the end of those that nobody else uses.
        pub(in crate::kafka) async fn release(&self) {
            let used = std::mem::take(&mut *self.0.lock());
            for embedded in used.into_values() {
                embedded.release().await;
            }
        }
    }

    fn failed(error: Arc<EmbeddedError>) -> KafkaError {
        KafkaError::Embedded(error)
    }
}

#[cfg(not(feature = "embedded-broker"))]
mod brokers {
    use super::{EmbeddedBrokerSettings, KafkaError};
    use crate::settings::{SettingsError, SettingsProblem};

    /// None: they are not compiled in.
    #[derive(Default)]
    pub(crate) struct Brokers {}

    impl Brokers {
        pub(super) async fn address(
            &self,
            settings: &EmbeddedBrokerSettings,
        ) -> Result<String, KafkaError> {
            self.address_blocking(settings)
        }

        pub(in crate::kafka) fn address_blocking(
            &self,
            _: &EmbeddedBrokerSettings,
        ) -> Result<String, KafkaError> {
            Err(SettingsError::from(SettingsProblem::NoEmbeddedBroker).into())
        }

        pub(in crate::kafka) async fn release(&self) {}
    }
}

pub(super) use brokers::Brokers;
