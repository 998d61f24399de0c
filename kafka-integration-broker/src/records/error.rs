//! Why a client's records are refused.

use kafka_protocol::ResponseError;

/// What is wrong with one record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordProblem {
    /// Which record of the batch, from 0.
    pub(crate) index: i32,
    pub(crate) message: String,
}

/// Why records are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordsError {
    #[error("{0}")]
    Corrupt(String),
    #[error("{0}")]
    Invalid(String),
    #[error("a batch of {size} bytes; the topic's max.message.bytes is {limit}")]
    TooLarge { size: u64, limit: u64 },
    #[error("Produce requests with version {0} are not allowed to use ZStandard compression")]
    NoZstd(i16),
    /// The checksum is right, so it was sent like this.
    #[error("{0}")]
    Undecodable(String),
    #[error("One or more records have been rejected due to invalid timestamp")]
    Timestamps(Vec<RecordProblem>),
    #[error("One or more records have been rejected due to {} record errors", .0.len())]
    Records(Vec<RecordProblem>),
}

impl RecordsError {
    pub(crate) fn code(&self) -> ResponseError {
        match self {
            Self::Corrupt(_) => ResponseError::CorruptMessage,
            Self::Invalid(_) | Self::Records(_) => ResponseError::InvalidRecord,
            Self::TooLarge { .. } => ResponseError::MessageTooLarge,
            Self::NoZstd(_) => ResponseError::UnsupportedCompressionType,
            Self::Undecodable(_) => ResponseError::UnknownServerError,
            Self::Timestamps(_) => ResponseError::InvalidTimestamp,
        }
    }

    /// The records it is about, where it is about single ones.
    pub(crate) fn into_problems(self) -> Vec<RecordProblem> {
        match self {
            Self::Timestamps(problems) | Self::Records(problems) => problems,
            _ => Vec::new(),
        }
    }
}
