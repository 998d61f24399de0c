use std::error::Error;
use std::fmt;

use rdkafka::error::RDKafkaErrorCode as Code;

use crate::KafkaError;
use crate::codec::EncodeError;
use crate::topic::TopicNameError;

/// Whether a record that failed may be in the topic all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is not. Producing it again makes no duplicate.
    No,
    /// It was sent and no answer came, so nobody knows. Producing it again may
    /// make a duplicate, not doing so may lose it: an idempotent producer only
    /// tells its own repetitions apart, not those of the application.
    Maybe,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "it was not written",
            Self::Maybe => {
                "it may or may not have been written: read the topic before you repeat it, \
                 or repeat it if its consumers tolerate duplicates"
            }
        })
    }
}

/// Why a record was not produced, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProduceError {
    /// The topic is a regular expression, which can only be subscribed to.
    #[error(
        "`{topic}` is a pattern: it can be consumed but not produced to; declare a topic with one \
         of the names it stands for"
    )]
    Pattern {
        /// The pattern, with its `^`.
        topic: String,
    },

    /// The topic's name is none that Kafka takes.
    #[error(transparent)]
    Name(#[from] TopicNameError),

    /// The key or the value can't be serialized.
    #[error(transparent)]
    Encode(#[from] EncodeError),

    /// A [`before_produce`](crate::topic::Topic::before_produce) hook refused
    /// the record; made with [`ProduceError::refused`].
    #[error("topic {topic} refused the record: {source}")]
    Refused {
        /// The topic; filled in by the framework.
        topic: String,
        /// The hook's reason.
        source: Box<dyn Error + Send + Sync>,
    },

    /// There is no producer: the settings can't be used, or
    /// [`Kafka::shutdown`](crate::Kafka::shutdown) was called.
    #[error(transparent)]
    Kafka(Box<KafkaError>),

    /// The application shuts down: the producer takes nothing more.
    #[error(
        "the record for topic {topic} came after the shutdown of this Kafka handle began and was \
         not written; let what produces finish before you shut down"
    )]
    ShutDown {
        /// The topic.
        topic: String,
    },

    /// The record is larger than the client, the topic or the client's queue
    /// takes.
    #[error(
        "a record of {size} bytes is too large for topic {topic}: send less (or a reference to \
         it), or raise `message.max.bytes` in `producer_config` (and \
         `queue.buffering.max.kbytes` with it) and `max.message.bytes` of the topic"
    )]
    TooLarge {
        /// The topic.
        topic: String,
        /// Bytes of key and value.
        size: usize,
    },

    /// The topic has no such partition.
    #[error(
        "topic {topic} has no partition {partition}; leave the partition out to have it chosen \
         by the key, or see `kafka-topics describe {topic}`"
    )]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition that was asked for; -1 when none was.
        partition: i32,
    },

    /// The cluster has no such topic and does not create it by itself.
    #[error("the cluster has no topic {topic}; create it with `kafka-topics create {topic}`")]
    UnknownTopic {
        /// The topic.
        topic: String,
    },

    /// The cluster forbids it.
    #[error(
        "the cluster does not let this client write to topic {topic} ({reason}); grant its \
         principal WRITE on the topic (and IDEMPOTENT_WRITE on brokers before 3.0)"
    )]
    Unauthorized {
        /// The topic.
        topic: String,
        /// The client's error.
        reason: Code,
    },

    /// The record waited `message.timeout.ms` (5 minutes unless set) without
    /// being acknowledged: the cluster can't be reached, is overloaded, or has
    /// too few replicas in sync.
    #[error(
        "topic {topic} did not acknowledge the record within `message.timeout.ms`; {written}. \
         Check that the brokers are up (`kafka-check`)"
    )]
    TimedOut {
        /// The topic.
        topic: String,
        /// The partition, once it was chosen.
        partition: Option<i32>,
        /// Whether it may be in the topic.
        written: Written,
    },

    /// The producer went away with the record still in its queue: shutdown
    /// timed out, or the last handle was dropped.
    #[error(
        "the producer ended before topic {topic} acknowledged the record; {written}. Give \
         `shutdown_timeout` more time, and drop the Kafka handle only after `Kafka::shutdown`"
    )]
    Abandoned {
        /// The topic.
        topic: String,
        /// Whether it may be in the topic.
        written: Written,
    },

    /// The client gave up for good, because it can't keep its promise of no
    /// duplicates and no reordering any longer.
    #[error(
        "the producer failed for good and the record for topic {topic} was given up: {reason}; \
         {written}. The next record gets a new producer; restart the process if it repeats"
    )]
    Fatal {
        /// The topic.
        topic: String,
        /// What the client said.
        reason: String,
        /// Whether it may be in the topic.
        written: Written,
    },

    /// Any other answer of the broker or the client.
    #[error("topic {topic} did not take the record ({code}: {}); {written}", .code.as_text())]
    Client {
        /// The topic.
        topic: String,
        /// The partition, once it was chosen.
        partition: Option<i32>,
        /// The client's error.
        code: ClientErrorCode,
        /// Whether it may be in the topic.
        written: Written,
    },
}

/// An error of the client library, with its own name and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientErrorCode(pub Code);

impl ClientErrorCode {
    fn as_text(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Display for ClientErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl From<KafkaError> for ProduceError {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(Box::new(error))
    }
}

impl ProduceError {
    /// What a [`before_produce`](crate::topic::Topic::before_produce) hook
    /// returns to refuse a record, from any error or text.
    pub fn refused(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused {
            topic: String::new(),
            source: reason.into(),
        }
    }

    /// Whether the record may be in the topic although producing it failed.
    pub fn written(&self) -> Written {
        match self {
            Self::TimedOut { written, .. }
            | Self::Abandoned { written, .. }
            | Self::Fatal { written, .. }
            | Self::Client { written, .. } => *written,
            _ => Written::No,
        }
    }

    /// The client's code for it.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::MessageSizeTooLarge,
            Self::UnknownPartition { .. } => Code::UnknownPartition,
            Self::UnknownTopic { .. } => Code::UnknownTopicOrPartition,
            Self::Unauthorized { reason, .. } => *reason,
            Self::TimedOut { .. } => Code::MessageTimedOut,
            Self::ShutDown { .. } | Self::Abandoned { .. } => Code::PurgeQueue,
            Self::Fatal { .. } => Code::Fatal,
            Self::Client { code, .. } => code.0,
            Self::Kafka(_) => Code::Fail,
            Self::Pattern { .. } | Self::Name(_) | Self::Encode(_) | Self::Refused { .. } => {
                Code::InvalidArgument
            }
        }
    }

    pub(crate) fn of_topic(self, name: &str) -> Self {
        match self {
            Self::Refused { topic, source } if topic.is_empty() => Self::Refused {
                topic: name.to_owned(),
                source,
            },
            other => other,
        }
    }
}
