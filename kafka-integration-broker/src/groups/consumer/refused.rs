use kafka_protocol::ResponseError;
use kafka_protocol::messages::ConsumerGroupHeartbeatResponse;
use kafka_protocol::protocol::StrBytes;

use crate::api::Code;

/// A heartbeat that changed nothing, and what its sender is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    pub(crate) error: ResponseError,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            error,
            message: message.into(),
        }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(ResponseError::InvalidRequest, message)
    }
}

impl From<ResponseError> for Refused {
    fn from(error: ResponseError) -> Self {
        Self::new(error, error.to_string())
    }
}

impl From<Refused> for ConsumerGroupHeartbeatResponse {
    fn from(refused: Refused) -> Self {
        Self::default()
            .with_error_code(refused.error.number())
            .with_error_message(Some(StrBytes::from_string(refused.message)))
    }
}
