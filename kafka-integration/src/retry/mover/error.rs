use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::admin::AdminError;
use crate::kafka::KafkaError;
use crate::producer::ProduceError;
use crate::topic::TopicName;

/// Why a message did not move. It stays where it is, uncommitted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MoveError {
    /// There is no topic to move it to.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// It is larger than the topic takes, headers and all.
    #[error(
        "a message of topic {from} with {size} bytes can't move: topic {target} takes no record \
         of that size; raise its `max.message.bytes` to more than that of {from}, since headers \
         are added, and by more still if {from} holds its messages compressed"
    )]
    TooLarge {
        /// Where it was to go.
        target: TopicName,
        /// Its topic.
        from: String,
        /// Bytes of key and value.
        size: usize,
    },
    /// The topic went away, or lost partitions, since it was looked up.
    #[error(
        "a message of topic {from} did not move: topic {target} was deleted or has fewer \
         partitions than before; it is looked up again, and created if it may be, when the \
         message is tried again"
    )]
    Gone {
        /// Where it was to go.
        target: TopicName,
        /// Its topic.
        from: String,
    },
    /// The topic did not acknowledge it.
    #[error("a message of topic {from} did not move to topic {target}: {error}")]
    NotAcknowledged {
        /// Where it was to go.
        target: TopicName,
        /// Its topic.
        from: String,
        /// What happened.
        #[source]
        error: Box<ProduceError>,
    },
}

/// Why no message can move to a topic.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NotReady {
    /// The topic is not there, and was not made.
    #[error(transparent)]
    Missing(Box<Missing>),
    /// The brokers did not say whether it is there.
    #[error(
        "failed messages of topic {from} can't move: topic {target} could not be looked up: {error}"
    )]
    NotKnown {
        /// The topic.
        target: TopicName,
        /// Whose messages were to go there.
        from: String,
        /// What happened.
        #[source]
        error: Arc<AdminError>,
    },
}

/// A topic that is not there.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "failed messages of topic {from} can't move: there is no topic {target}, and {why}; create \
     the topic with `{command}`, or {}",
    .why.way_out()
)]
pub(crate) struct Missing {
    pub(crate) target: TopicName,
    pub(crate) from: String,
    /// The command that makes it.
    pub(crate) command: String,
    pub(crate) why: Why,
}

/// Why it was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Why {
    #[error("`{key}` is false")]
    Setting {
        /// The setting, with its cluster.
        key: String,
    },
    #[error("this client may not create it ({code:?})")]
    Unauthorized {
        /// The broker's answer.
        code: Code,
    },
    #[error("it was not created: {0}")]
    Refused(#[source] Arc<AdminError>),
}

impl Why {
    fn way_out(&self) -> String {
        match self {
            Self::Setting { key } => format!("set `{key} = true`"),
            Self::Unauthorized { .. } => "grant the client's principal CREATE on it".to_owned(),
            Self::Refused(_) => "correct what the brokers refuse".to_owned(),
        }
    }
}

impl MoveError {
    pub(super) fn produce(target: &TopicName, from: &str, error: ProduceError) -> Self {
        let (target, from) = (target.clone(), from.to_owned());
        match error {
            ProduceError::TooLarge { size, .. } => Self::TooLarge { target, from, size },
            ProduceError::UnknownTopic { .. } | ProduceError::UnknownPartition { .. } => {
                Self::Gone { target, from }
            }
            error => Self::NotAcknowledged {
                target,
                from,
                error: Box::new(error),
            },
        }
    }

    /// The client's code, for error handlers.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NotReady(error) => error.code(),
            Self::TooLarge { .. } => Code::MessageSizeTooLarge,
            Self::Gone { .. } => Code::UnknownTopicOrPartition,
            Self::NotAcknowledged { error, .. } => error.code(),
        }
    }

    /// Whether nothing will move any more, because the application shuts down:
    /// no failure to be told, and the message stays uncommitted.
    pub(crate) fn is_client_gone(&self) -> bool {
        match self {
            Self::NotReady(error) => error.is_client_gone(),
            Self::TooLarge { .. } | Self::Gone { .. } => false,
            Self::NotAcknowledged { error, .. } => match &**error {
                ProduceError::ShutDown { .. } | ProduceError::Abandoned { .. } => true,
                ProduceError::Kafka(error) => matches!(**error, KafkaError::ShutDown),
                _ => false,
            },
        }
    }
}

impl NotReady {
    /// The client's code, for error handlers.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NotKnown { error, .. } => error.code(),
            Self::Missing(missing) => match &missing.why {
                Why::Setting { .. } => Code::UnknownTopicOrPartition,
                Why::Unauthorized { code } => *code,
                Why::Refused(error) => error.code(),
            },
        }
    }

    pub(super) fn is_client_gone(&self) -> bool {
        let error = match self {
            Self::NotKnown { error, .. } => error,
            Self::Missing(missing) => match &missing.why {
                Why::Refused(error) => error,
                Why::Setting { .. } | Why::Unauthorized { .. } => return false,
            },
        };
        matches!(
            **error,
            AdminError::Stopped | AdminError::Kafka(KafkaError::ShutDown)
        )
    }
}
