use rdkafka::admin::{AdminClient, AdminOptions, NewTopic as ClientTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

use super::{AdminError, Cluster};
use crate::settings::ClientKind;

/// A topic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    name: String,
    partitions: Option<i32>,
    replication_factor: Option<i32>,
    config: Vec<(String, String)>,
}

impl NewTopic {
    /// Of that name, with the brokers' default partitions and replication.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partitions: None,
            replication_factor: None,
            config: Vec::new(),
        }
    }

    /// How many partitions; the brokers' `num.partitions` unless given.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = Some(partitions);
        self
    }

    /// How many brokers hold each partition; the brokers'
    /// `default.replication.factor` unless given.
    #[must_use]
    pub fn replication_factor(mut self, brokers: i32) -> Self {
        self.replication_factor = Some(brokers);
        self
    }

    /// A setting of the topic, such as `cleanup.policy`.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((name.into(), value.into()));
        self
    }
}

impl Cluster {
    /// Makes a topic and waits until the brokers have it.
    ///
    /// # Errors
    /// When it exists already, the brokers refuse it, or no broker answers.
    pub async fn create(&self, topic: NewTopic) -> Result<(), AdminError> {
        let action = format!("create topic `{}`", topic.name);
        // The brokers' own default; Kafka takes it since 2.4.
        const BROKER_DEFAULT: i32 = -1;
        let mut request = ClientTopic::new(
            &topic.name,
            topic.partitions.unwrap_or(BROKER_DEFAULT),
            TopicReplication::Fixed(topic.replication_factor.unwrap_or(BROKER_DEFAULT)),
        );
        for (name, value) in &topic.config {
            request = request.set(name, value);
        }
        let (admin, options) = self.admin()?;
        let answer = admin.create_topics([&request], &options).await;
        close(admin);
        let results = answer.map_err(|error| self.explain(action.clone(), error, None))?;
        match results.into_iter().next() {
            None | Some(Ok(_)) => Ok(()),
            Some(Err((name, RDKafkaErrorCode::TopicAlreadyExists))) => {
                Err(AdminError::TopicExists {
                    topic: name,
                    address: self.address().to_owned(),
                })
            }
            Some(Err((_, code))) => {
                let error = rdkafka::error::KafkaError::AdminOp(code);
                Err(self.explain(action, error, None))
            }
        }
    }
}

impl Cluster {
    /// A client for what changes the cluster, to be [closed](close) after use,
    /// and how long it may take.
    pub(super) fn admin(
        &self,
    ) -> Result<(AdminClient<DefaultClientContext>, AdminOptions), AdminError> {
        let config = self.config(ClientKind::Producer, &[])?;
        let admin = config.create().map_err(|source| AdminError::Client {
            cluster: self.name(),
            source,
        })?;
        let options = AdminOptions::new()
            .request_timeout(Some(self.timeout))
            .operation_timeout(Some(self.timeout));
        Ok((admin, options))
    }
}

/// Closing joins the client's threads, which the runtime must not wait for.
pub(super) fn close(admin: AdminClient<DefaultClientContext>) {
    tokio::task::spawn_blocking(move || drop(admin));
}
