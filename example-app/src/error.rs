use std::process::ExitCode;

use kafka_integration::KafkaError;
use kafka_integration::embedded::StartError;
use kafka_integration::management::CommandError;
use kafka_integration::runner::RunError;
use kafka_integration::settings::SettingsError;

use crate::db::{DatabaseUrlError, MigrationError, OpenError};
use crate::http::ListenError;

/// Why the application ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    DatabaseUrl(#[from] DatabaseUrlError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("can't start with an empty broker: {0}; stop it first")]
    Fresh(#[from] StartError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("the web server failed: {0}")]
    Serve(std::io::Error),
    #[error(transparent)]
    Signals(CommandError),
    #[error(transparent)]
    Consumers(#[from] RunError),
}

impl AppError {
    /// 2 for what the settings have to change for, 1 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.is_about_settings() {
            true => ExitCode::from(2),
            false => ExitCode::FAILURE,
        }
    }

    /// The same, for the framework's commands.
    pub(crate) fn into_command_error(self) -> CommandError {
        match self.is_about_settings() {
            true => CommandError::usage(self),
            false => CommandError::failed(self),
        }
    }

    fn is_about_settings(&self) -> bool {
        matches!(
            self,
            Self::DatabaseUrl(_)
                | Self::Open(OpenError::Parameters { .. })
                | Self::Settings(_)
                | Self::Kafka(KafkaError::Settings(_))
                | Self::Consumers(RunError::Kafka(KafkaError::Settings(_)))
        )
    }
}
