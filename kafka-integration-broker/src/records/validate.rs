//! Whether a client's records can be taken.

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;

use super::{BATCH_OVERHEAD, BatchHeader, ValidBatch};
use crate::configs::TopicConfig;

/// What a topic and the request's version demand.
#[derive(Debug)]
pub(crate) struct Rules {
    max_message_bytes: usize,
}

impl Rules {
    pub(crate) fn of(config: &TopicConfig, _produce_version: i16) -> Self {
        Self {
            max_message_bytes: usize::try_from(config.max_message_bytes).unwrap_or(0),
        }
    }
}

/// Why records are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordsError {
    #[error("the batch is corrupt")]
    Corrupt,
    #[error("{0}")]
    Invalid(&'static str),
    #[error("the batch is larger than the topic's max.message.bytes")]
    TooLarge,
}

impl RecordsError {
    pub(crate) fn code(&self) -> ResponseError {
        match self {
            Self::Corrupt => ResponseError::CorruptMessage,
            Self::Invalid(_) => ResponseError::InvalidRecord,
            Self::TooLarge => ResponseError::MessageTooLarge,
        }
    }
}

/// Checks what a Produce request has for one partition.
pub(crate) fn validate(records: &Bytes, rules: &Rules) -> Result<ValidBatch, RecordsError> {
    let header = BatchHeader::read(records).ok_or(RecordsError::Corrupt)?;
    if header.magic != 2
        || header.length as usize + 12 != records.len()
        || records.len() < BATCH_OVERHEAD
    {
        return Err(RecordsError::Invalid("not exactly one batch"));
    }
    if records.len() > rules.max_message_bytes {
        return Err(RecordsError::TooLarge);
    }
    if crc32c::crc32c(&records[21..]) != header.crc {
        return Err(RecordsError::Corrupt);
    }
    Ok(ValidBatch {
        header,
        bytes: BytesMut::from(&records[..]),
    })
}
