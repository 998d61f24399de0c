//! Errors of the client itself, as opposed to those of handlers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
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

/// The default, named `log`: logs errors and fails on a fatal one.
///
/// A client without its broker repeats the same error many times a second: each
/// kind is logged at most every ten seconds, with how many were left out.
#[derive(Debug, Default)]
pub struct LogErrors {
    said: Mutex<BTreeMap<(String, i32), Said>>,
}

#[derive(Debug)]
struct Said {
    at: Instant,
    left_out: u64,
}

/// The shortest time between two lines of the same kind.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

impl LogErrors {
    /// How many of this kind were left out since the last line; `None` when
    /// this one is to be left out too.
    fn line(&self, error: &ClientError) -> Option<u64> {
        let now = Instant::now();
        let kind = (error.consumer.clone(), error.code as i32);
        match self.said.lock().entry(kind) {
            Entry::Vacant(first) => {
                first.insert(Said {
                    at: now,
                    left_out: 0,
                });
                Some(0)
            }
            Entry::Occupied(mut said) => {
                let said = said.get_mut();
                if now.duration_since(said.at) < BETWEEN_LINES {
                    said.left_out += 1;
                    return None;
                }
                said.at = now;
                Some(std::mem::take(&mut said.left_out))
            }
        }
    }
}

impl ErrorHandler for LogErrors {
    fn handle(&self, error: &ClientError) -> ErrorAction {
        if error.fatal {
            tracing::error!("{error}");
            return ErrorAction::Fail;
        }
        match self.line(error) {
            Some(0) => tracing::warn!("{error}"),
            Some(left_out) => tracing::warn!(left_out, "{error}"),
            None => {}
        }
        ErrorAction::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_is_logged_once_in_a_while_and_another_at_once() {
        let log = LogErrors::default();
        let error = |consumer: &str, code| ClientError {
            consumer: consumer.to_owned(),
            code,
            reason: String::new(),
            fatal: false,
        };
        let down = RDKafkaErrorCode::AllBrokersDown;
        assert_eq!(log.line(&error("a", down)), Some(0));
        assert_eq!(log.line(&error("a", down)), None);
        assert_eq!(log.line(&error("a", RDKafkaErrorCode::Resolve)), Some(0));
        assert_eq!(log.line(&error("b", down)), Some(0));
    }
}
