//! Errors of the client itself, as opposed to those of handlers.

use std::fmt;

use rdkafka::types::RDKafkaErrorCode;

/// An error of a consumer's client: a broker that is away, a refused login, a
/// topic that is not there. Most pass; the client goes on trying.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientError {
    /// The consumer.
    pub consumer: String,
    /// librdkafka's code.
    pub code: RDKafkaErrorCode,
    /// What the client says of it.
    pub reason: String,
    /// Whether the client can't go on.
    pub fatal: bool,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.fatal { "fatal error" } else { "error" };
        write!(f, "consumer {}: {kind} {:?}", self.consumer, self.code)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for ClientError {}

/// What an [`ErrorHandler`] wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorAction {
    /// Go on. After a fatal error the client is closed and started anew.
    Continue,
    /// End this consumer with an error: the others drain, then the process ends
    /// with a non-zero exit code.
    Fail,
}

/// Called for errors of a consumer's client. Give one a name with
/// [`KafkaBuilder::error_handler`](crate::KafkaBuilder::error_handler) and choose
/// it with the setting `error_handler`.
///
/// It runs on the poll thread: it must not block.
pub trait ErrorHandler: Send + Sync {
    /// Decides what an error means.
    fn handle(&self, error: &ClientError) -> ErrorAction;
}

/// The default, named `log`: logs every error and fails on a fatal one.
#[derive(Debug, Default, Clone, Copy)]
pub struct LogErrors;

impl ErrorHandler for LogErrors {
    fn handle(&self, error: &ClientError) -> ErrorAction {
        if error.fatal {
            tracing::error!("{error}");
            ErrorAction::Fail
        } else {
            tracing::warn!("{error}");
            ErrorAction::Continue
        }
    }
}
