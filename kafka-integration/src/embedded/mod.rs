//! A broker in the process, for development and tests: librdkafka's mock
//! cluster until the embedded broker proper takes its place.

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer};

use crate::native;

/// A running broker; dropping it ends it, and its data with it.
pub struct EmbeddedBroker {
    address: String,
    /// The mock cluster belongs to a client, and ends with it.
    client: BaseProducer<DefaultProducerContext>,
}

impl EmbeddedBroker {
    /// Starts a broker on a free port of the loopback interface.
    ///
    /// # Errors
    /// When librdkafka can't start it.
    pub fn start() -> Result<Self, KafkaError> {
        let client: BaseProducer = ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            .create()?;
        let address = client
            .client()
            .mock_cluster()
            .map(|cluster| cluster.bootstrap_servers())
            .ok_or_else(|| KafkaError::ClientCreation("no mock cluster".to_owned()))?;
        native::start_groups_at_once(client.client());
        Ok(Self { address, client })
    }

    /// Makes a topic, unless there is one of that name.
    ///
    /// # Errors
    /// When the name or the number of partitions is none that it takes.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        let Some(cluster) = self.client.client().mock_cluster() else {
            return Err(KafkaError::ClientCreation("no mock cluster".to_owned()));
        };
        match cluster.create_topic(name, partitions, 1) {
            Err(KafkaError::MockCluster(RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
            made => made,
        }
    }

    /// The address for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.address
    }
}
