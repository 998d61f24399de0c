use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::types::RDKafkaErrorCode;

use super::AdminError;
use super::client::{self, AdminConsumer};
use crate::kafka::Kafka;
use crate::settings::ClientKind;

/// How long one question to the brokers may take, unless said otherwise: 5 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// A topic nobody has: asking for it brings the brokers alone, where asking for
/// none brings every topic of the cluster.
const PROBE: &str = "__kafka_integration_probe";

/// A cluster whose brokers answer: the way to its topics, offsets and groups.
///
/// It joins no group and changes nothing unless asked to.
pub struct Cluster {
    pub(super) kafka: Kafka,
    pub(super) name: Option<String>,
    pub(super) timeout: Duration,
    address: String,
    // Taken only by `drop`.
    client: Option<Arc<AdminConsumer>>,
}

impl Cluster {
    /// Connects to a cluster of the settings (`None` is the default one) and
    /// waits for a broker's answer, at most [`DEFAULT_TIMEOUT`].
    ///
    /// # Errors
    /// When the settings can't be used, or no broker answers.
    pub async fn connect(kafka: &Kafka, cluster: Option<&str>) -> Result<Self, AdminError> {
        Self::connect_within(kafka, cluster, DEFAULT_TIMEOUT).await
    }

    /// [`connect`](Self::connect) with another time limit, which then holds for
    /// each later question too.
    ///
    /// # Errors
    /// When the settings can't be used, or no broker answers.
    pub async fn connect_within(
        kafka: &Kafka,
        cluster: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, AdminError> {
        kafka.embedded_address(cluster).await?;
        let mut config = kafka.client_config(cluster, ClientKind::Consumer, &[])?;
        // Asking about a topic must never make it, whatever the settings say.
        config.set("allow.auto.create.topics", "false");
        let address = config
            .get("bootstrap.servers")
            .unwrap_or("(no bootstrap_servers)")
            .to_owned();
        let name = cluster.map(str::to_owned);
        let client = client::create(&config).map_err(|source| AdminError::Client {
            cluster: display_name(cluster),
            source,
        })?;
        let cluster = Self {
            kafka: kafka.clone(),
            name,
            timeout,
            address,
            client: Some(Arc::new(client)),
        };
        cluster
            .ask("list the brokers", move |client| {
                client.fetch_metadata(Some(PROBE), timeout)?;
                Ok(())
            })
            .await?;
        Ok(cluster)
    }

    /// The name in the settings; `default` for the default one.
    pub fn name(&self) -> String {
        display_name(self.name.as_deref())
    }

    /// The addresses it was reached by.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many brokers the cluster says it has.
    ///
    /// # Errors
    /// When no broker answers.
    pub async fn brokers(&self) -> Result<usize, AdminError> {
        let timeout = self.timeout;
        self.ask("list the brokers", move |client| {
            let metadata = client.fetch_metadata(Some(PROBE), timeout)?;
            Ok(metadata.brokers().len())
        })
        .await
    }

    /// Configuration for a further client of this cluster.
    pub(super) fn config(
        &self,
        kind: ClientKind,
        overrides: &[(String, String)],
    ) -> Result<ClientConfig, AdminError> {
        Ok(self
            .kafka
            .client_config(self.name.as_deref(), kind, overrides)?)
    }

    /// Runs a blocking question on a thread that may wait.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        action: impl Into<String>,
        question: impl FnOnce(&AdminConsumer) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let Some(client) = self.client.clone() else {
            return Err(AdminError::Stopped);
        };
        let (answer, connection) = blocking(move || {
            let answer = question(&client);
            let connection = match answer {
                Err(_) => client::connection_error(&client),
                Ok(_) => None,
            };
            (answer, connection)
        })
        .await?;
        answer.map_err(|error| self.explain(action.into(), error, connection))
    }

    /// What a client's error means here.
    pub(super) fn explain(
        &self,
        action: String,
        error: ClientError,
        connection: Option<String>,
    ) -> AdminError {
        let address = self.address.clone();
        let Some(code) = client::code(&error) else {
            return AdminError::Client {
                cluster: self.name(),
                source: error,
            };
        };
        match code {
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SSL => AdminError::Unreachable {
                cluster: self.name(),
                address,
                timeout: self.timeout,
                reason: connection.unwrap_or_else(|| format!("{code} while trying to {action}")),
            },
            RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::UnsupportedVersion => {
                AdminError::Unsupported { action, address }
            }
            code => AdminError::Refused {
                action,
                address,
                code,
                reason: code.to_string(),
            },
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name())
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let client = self.client.take();
        // Closing joins the client's threads, which the runtime must not wait for.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(client));
        }
    }
}

fn display_name(cluster: Option<&str>) -> String {
    cluster.unwrap_or("default").to_owned()
}

/// Runs what blocks on a thread that may wait; a panic goes on in the caller.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AdminError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => Ok(value),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(AdminError::Stopped),
        },
    }
}
