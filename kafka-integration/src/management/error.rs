use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::admin::AdminError;
use crate::consumer::UnknownConsumer;
use crate::kafka::KafkaError;
use crate::runner::RunError;
use crate::settings::SettingsError;
use crate::topic::TopicNameError;

/// Any error of the application.
pub type BoxError = Box<dyn Error + Send + Sync>;

const FAILED: u8 = 1;
const BAD_USAGE: u8 = 2;

/// Why a command did not do what it was asked to, and the exit code for it.
#[derive(Debug)]
pub struct CommandError {
    exit_code: u8,
    // `None` when the output has said it all.
    cause: Option<BoxError>,
}

impl CommandError {
    /// The work failed: exit code 1.
    pub fn failed(cause: impl Into<BoxError>) -> Self {
        Self {
            exit_code: FAILED,
            cause: Some(cause.into()),
        }
    }

    /// The command can't be meant like that: exit code 2.
    pub fn usage(cause: impl Into<BoxError>) -> Self {
        Self {
            exit_code: BAD_USAGE,
            cause: Some(cause.into()),
        }
    }

    /// It failed and the output shows how.
    pub(super) fn reported() -> Self {
        Self {
            exit_code: FAILED,
            cause: None,
        }
    }

    /// The same exit code, where the output has told the cause already.
    pub(super) fn told(self) -> Self {
        Self {
            cause: None,
            ..self
        }
    }

    /// A signal ended it before its work was done.
    pub(super) fn interrupted(signal_code: u8, cause: impl Into<BoxError>) -> Self {
        Self {
            exit_code: signal_code,
            cause: Some(cause.into()),
        }
    }

    /// The reader went away (`… | head`), which is how a reader says "enough".
    fn closed_pipe() -> Self {
        Self {
            exit_code: 0,
            cause: None,
        }
    }

    /// What a process should end with.
    pub fn exit_code(&self) -> ExitCode {
        self.exit_code.into()
    }

    /// The exit code as a number.
    pub fn code(&self) -> u8 {
        self.exit_code
    }

    /// What to tell the user; `None` when the output has said it all.
    pub(super) fn message(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| with_sources(&**cause))
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => cause.fmt(f),
            None => f.write_str("the command failed; its output says how"),
        }
    }
}

impl Error for CommandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().and_then(|cause| cause.source())
    }
}

/// An error and its causes on one line, each once: many messages quote theirs.
fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The exit code for an error of this framework, wherever in a chain of causes
/// it stands: 2 for settings and arguments that can't be used, 1 for the rest.
///
/// For an application's own commands, so that scripts can rely on one meaning:
///
/// ```
/// # use std::process::ExitCode;
/// # use kafka_integration::{Kafka, KafkaError, management};
/// # async fn serve(kafka: Kafka) -> Result<(), KafkaError> { Ok(()) }
/// # async fn example() -> ExitCode {
/// let served = match Kafka::builder().build() {
///     Ok(kafka) => serve(kafka).await,
///     Err(error) => Err(error),
/// };
/// match served {
///     Ok(()) => ExitCode::SUCCESS,
///     Err(error) => {
///         eprintln!("error: {error}");
///         management::exit_code(&error)
///     }
/// }
/// # }
/// ```
pub fn exit_code(error: &(dyn Error + 'static)) -> ExitCode {
    code_of(error).into()
}

pub(super) fn code_of(error: &(dyn Error + 'static)) -> u8 {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<CommandError>() {
            return error.exit_code;
        }
        if is_bad_usage(error) {
            return BAD_USAGE;
        }
        next = error.source();
    }
    FAILED
}

/// Transparent errors show their source's sources, not their source: they are
/// looked into one by one.
fn is_bad_usage(error: &(dyn Error + 'static)) -> bool {
    let kafka = |error: &KafkaError| {
        matches!(
            error,
            KafkaError::Settings(_) | KafkaError::UnknownErrorHandler { .. }
        )
    };
    if let Some(error) = error.downcast_ref::<KafkaError>() {
        return kafka(error);
    }
    if let Some(error) = error.downcast_ref::<AdminError>() {
        return matches!(error, AdminError::Kafka(error) if kafka(error));
    }
    if let Some(error) = error.downcast_ref::<RunError>() {
        return matches!(error, RunError::Kafka(error) if kafka(error));
    }
    error.is::<UnknownConsumer>() || error.is::<SettingsError>() || error.is::<TopicNameError>()
}

macro_rules! by_its_own_code {
    ($($error:ty),*) => {
        $(impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                Self {
                    exit_code: code_of(&error),
                    cause: Some(error.into()),
                }
            }
        })*
    };
}

by_its_own_code!(
    AdminError,
    KafkaError,
    RunError,
    SettingsError,
    TopicNameError,
    UnknownConsumer
);

impl From<io::Error> for CommandError {
    /// Of writing output; other input and output says what it was doing.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::closed_pipe();
        }
        Self::failed(format!("cannot write the output: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the shop does not start")]
    struct Shop(#[source] KafkaError);

    fn unknown() -> UnknownConsumer {
        UnknownConsumer {
            name: "Biling".into(),
            known: "Billing".into(),
        }
    }

    #[test]
    fn usage_and_settings_are_2_wherever_they_stand_and_the_rest_is_1() {
        let name = crate::topic::TopicName::parse("no spaces").expect_err("illegal");
        assert_eq!(code_of(&name), 2);
        assert_eq!(code_of(&unknown()), 2);
        assert_eq!(code_of(&RunError::Failed(Vec::new())), 1);
        assert_eq!(code_of(&Shop(KafkaError::AlreadyInstalled)), 1);
        assert_eq!(code_of(&CommandError::from(unknown())), 2);
        let settings = crate::settings::Settings::from_toml("nonsense = 1");
        let settings = KafkaError::from(settings.expect_err("unknown key"));
        assert_eq!(code_of(&settings), 2);
        assert_eq!(code_of(&Shop(settings)), 2);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let error = CommandError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.code(), error.message()), (0, None));
        let error = CommandError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(error.code(), 1);
    }

    #[test]
    fn causes_are_told_once() {
        let error = CommandError::failed(Shop(KafkaError::AlreadyInstalled));
        let message = error.message().expect("a message");
        assert!(
            message.starts_with("the shop does not start: a Kafka is"),
            "{message}"
        );
        assert_eq!(message.matches("a Kafka is installed").count(), 1);
    }
}
