//! What the APIs of administration share.

use std::collections::HashSet;
use std::hash::Hash;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;

use crate::configs::ConfigProblem;
use crate::core::NODE;
use crate::store::{ConfigureError, TopicError};

/// Partitions that one request may make, as in Apache Kafka.
pub(super) const MOST_PARTITIONS: i64 = 10_000;

/// An error with a text that says what to do about it.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) error: ResponseError,
    pub(super) message: Option<StrBytes>,
}

impl Problem {
    pub(super) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            error,
            message: Some(StrBytes::from_string(message.into())),
        }
    }

    /// A topic that doesn't exist, as Kafka words it.
    pub(super) fn unknown_topic() -> Self {
        Self::new(
            ResponseError::UnknownTopicOrPartition,
            "This server does not host this topic-partition.",
        )
    }
}

impl From<TopicError> for Problem {
    fn from(error: TopicError) -> Self {
        let code = match &error {
            TopicError::Exists => ResponseError::TopicAlreadyExists,
            TopicError::Unknown => return Self::unknown_topic(),
            TopicError::Storage(error) => {
                tracing::error!(%error, "a topic could not be changed");
                ResponseError::KafkaStorageError
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<ConfigProblem> for Problem {
    fn from(problem: ConfigProblem) -> Self {
        let error = if problem.is_config {
            ResponseError::InvalidConfig
        } else {
            ResponseError::InvalidRequest
        };
        Self::new(error, problem.message)
    }
}

impl From<ConfigureError> for Problem {
    fn from(error: ConfigureError) -> Self {
        match error {
            ConfigureError::Problem(problem) => problem.into(),
            ConfigureError::Unknown => TopicError::Unknown.into(),
            ConfigureError::Storage(error) => TopicError::Storage(error).into(),
        }
    }
}

/// The one replica there is, and nothing else.
pub(super) fn is_on_this_node(brokers: &[BrokerId]) -> bool {
    brokers == [NODE]
}

/// What is named more than once in a request. Kafka refuses all of it.
pub(super) struct Repeated<T> {
    repeated: HashSet<T>,
}

impl<T: Hash + Eq + Clone> Repeated<T> {
    pub(super) fn of(names: impl Iterator<Item = T>) -> Self {
        let (mut seen, mut repeated) = (HashSet::new(), HashSet::new());
        for name in names {
            if !seen.insert(name.clone()) {
                repeated.insert(name);
            }
        }
        Self { repeated }
    }

    pub(super) fn is_repeated(&self, name: &T) -> bool {
        self.repeated.contains(name)
    }

    /// Each once.
    pub(super) fn take(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.repeated).into_iter()
    }
}
