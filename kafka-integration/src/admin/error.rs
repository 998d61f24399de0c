use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;

use crate::kafka::KafkaError;

/// Why a cluster could not be asked, or what it refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The settings of the cluster can't be used; nothing was asked.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The client could not be made; nothing was asked.
    #[error("no client for cluster `{cluster}`: {source}")]
    Client {
        /// The cluster's name in the settings.
        cluster: String,
        /// What librdkafka said.
        source: rdkafka::error::KafkaError,
    },
    /// No broker answered in time. Check that one runs at that address and that
    /// this machine may reach it.
    #[error(
        "no broker of cluster `{cluster}` at {address} answered within {}: {reason}; \
         is it running, and is the address (`bootstrap_servers`) right?",
        humantime::format_duration(*.timeout)
    )]
    Unreachable {
        /// The cluster's name in the settings.
        cluster: String,
        /// The address that was tried.
        address: String,
        /// How long.
        timeout: Duration,
        /// The last error of a connection, or what the client said.
        reason: String,
    },
    /// The cluster has no topic of that name.
    #[error(
        "cluster `{cluster}` at {address} has no topic `{topic}`; \
         `kafka-topics list` shows those it has, `kafka-topics create {topic}` makes it"
    )]
    NoSuchTopic {
        /// The topic.
        topic: String,
        /// The cluster's name in the settings.
        cluster: String,
        /// Its address.
        address: String,
    },
    /// The topic is there already; it was left as it is.
    #[error("topic `{topic}` exists already at {address}; it was not changed")]
    TopicExists {
        /// The topic.
        topic: String,
        /// The cluster's address.
        address: String,
    },
    /// The brokers don't know the request: they are too old for it.
    #[error("the cluster at {address} can't {action}: its brokers don't know that request")]
    Unsupported {
        /// What was asked.
        action: String,
        /// The cluster's address.
        address: String,
    },
    /// The brokers answered with an error.
    #[error("the cluster at {address} refused to {action}: {reason}")]
    Refused {
        /// What was asked.
        action: String,
        /// The cluster's address.
        address: String,
        /// The broker's error.
        code: RDKafkaErrorCode,
        /// The same in words.
        reason: String,
    },
    /// The process is shutting down.
    #[error("stopped: the runtime is shutting down")]
    Stopped,
}

impl AdminError {
    /// The client's code for it.
    pub(crate) fn code(&self) -> RDKafkaErrorCode {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Client { source, .. } => source
                .rdkafka_error_code()
                .unwrap_or(RDKafkaErrorCode::Fail),
            Self::Unreachable { .. } => RDKafkaErrorCode::AllBrokersDown,
            Self::NoSuchTopic { .. } => RDKafkaErrorCode::UnknownTopicOrPartition,
            Self::TopicExists { .. } => RDKafkaErrorCode::TopicAlreadyExists,
            Self::Unsupported { .. } => RDKafkaErrorCode::UnsupportedVersion,
            Self::Stopped => RDKafkaErrorCode::PurgeQueue,
            Self::Kafka(_) => RDKafkaErrorCode::Fail,
        }
    }
}
