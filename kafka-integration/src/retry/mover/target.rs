use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::blueprint::{Blueprint, Detail};
use super::error::{Missing, NotReady, Why};
use crate::admin::{AdminError, Cluster};
use crate::kafka::Kafka;
use crate::retry::losses;
use crate::topic::TopicName;

/// How long the brokers may take to agree on leaders of a new topic.
const ELECTION: Duration = Duration::from_secs(10);

/// How often they are asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A retry or dead-letter topic, before the first message moves to it.
pub(super) struct Target {
    pub(super) kafka: Kafka,
    pub(super) cluster: Option<String>,
    pub(super) name: TopicName,
    pub(super) source: String,
}

impl Target {
    /// Makes it if it is missing and may be made; how many partitions it has.
    /// One that is there is left as it is, with a warning when it loses messages.
    ///
    /// It is looked for before anything is produced to it: a producer's request
    /// could make brokers create it their own way, with a retention that
    /// deletes old messages at once.
    pub(super) async fn prepare(self, connection: Option<Arc<Cluster>>) -> Result<i32, NotReady> {
        let connection = match connection {
            Some(connection) => connection,
            None => Cluster::connect(&self.kafka, self.cluster.as_deref())
                .await
                .map(Arc::new)
                .map_err(|error| self.not_known(error))?,
        };
        match connection.topic(self.name.as_str()).await {
            Ok(topic) => {
                if let Some(losses) = losses(&connection, self.name.as_str()).await {
                    tracing::warn!("{losses}");
                }
                Ok(i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX))
            }
            Err(AdminError::NoSuchTopic { .. }) => self.make(&connection).await,
            Err(error) => Err(self.not_known(error)),
        }
    }

    async fn make(&self, connection: &Cluster) -> Result<i32, NotReady> {
        let (partitions, replication) = match connection.topic(&self.source).await {
            Ok(source) => (
                i32::try_from(source.partitions.len()).ok(),
                i32::try_from(source.replication_factor).ok(),
            ),
            // Deleted since its messages were read: they still have to move.
            Err(AdminError::NoSuchTopic { .. }) => (None, None),
            Err(error) => return Err(self.not_known(error)),
        };
        let largest = connection
            .topic_setting(&self.source, "max.message.bytes")
            .await;
        let mut blueprint = Blueprint {
            partitions,
            replication: None,
            largest: largest.and_then(|text| text.parse().ok()),
            detail: Detail::Full,
        };
        let settings = self.kafka.settings().cluster(self.cluster.as_deref());
        let settings = settings.map_err(|error| self.not_known(AdminError::Kafka(error.into())))?;
        if !settings.create_retry_topics {
            let key = settings.key("create_retry_topics");
            return Err(self.missing(blueprint, Why::Setting { key }));
        }
        loop {
            let refused = match connection.create(blueprint.topic(&self.name)).await {
                Ok(()) => {
                    tracing::info!(
                        topic = self.name.as_str(),
                        source = self.source,
                        partitions,
                        "created a topic for failed messages"
                    );
                    break;
                }
                // Another process was faster.
                Err(AdminError::TopicExists { .. }) => break,
                Err(error) => error,
            };
            match (refused.code(), blueprint.detail.less()) {
                (Code::InvalidConfig | Code::PolicyViolation, Some(less)) => {
                    blueprint.detail = less;
                }
                // Brokers before 2.4 have no default to ask for.
                (Code::InvalidReplicationFactor, _)
                    if blueprint.replication.is_none() && replication.is_some() =>
                {
                    blueprint.replication = replication;
                }
                (code @ (Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed), _) => {
                    return Err(self.missing(blueprint, Why::Unauthorized { code }));
                }
                _ => {
                    let why = Why::Refused(Arc::new(refused));
                    return Err(self.missing(blueprint, why));
                }
            }
        }
        self.led(connection).await
    }

    /// Waits until each of its partitions has a leader.
    async fn led(&self, connection: &Cluster) -> Result<i32, NotReady> {
        let since = Instant::now();
        loop {
            let asked = connection.led_partitions(self.name.as_str()).await;
            match asked {
                Ok(Some(partitions)) => return Ok(partitions),
                _ if since.elapsed() < ELECTION => tokio::time::sleep(ASK_AGAIN).await,
                Ok(None) => {
                    return Err(self.not_known(AdminError::Refused {
                        action: format!("find leaders for the new topic `{}`", self.name),
                        address: connection.address().to_owned(),
                        code: Code::LeaderNotAvailable,
                        reason: format!("there was none after {} s", ELECTION.as_secs()),
                    }));
                }
                Err(error) => return Err(self.not_known(error)),
            }
        }
    }

    fn not_known(&self, error: AdminError) -> NotReady {
        NotReady::NotKnown {
            target: self.name.clone(),
            from: self.source.clone(),
            error: Arc::new(error),
        }
    }

    fn missing(&self, blueprint: Blueprint, why: Why) -> NotReady {
        let blueprint = Blueprint {
            detail: Detail::Usual,
            ..blueprint
        };
        NotReady::Missing(Box::new(Missing {
            target: self.name.clone(),
            from: self.source.clone(),
            command: blueprint.command(&self.name, self.cluster.as_deref()),
            why,
        }))
    }
}
