//! The management commands, as clap types any application can mount.
//!
//! An application flattens [`KafkaCommand`] into its own commands and hands it
//! to [`run`]:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use clap::Parser;
//! use kafka_integration::management::{self, KafkaCommand};
//! # struct Db;
//! # impl Db { async fn connect() -> Result<Self, std::io::Error> { Ok(Self) } }
//! # async fn serve() -> ExitCode { ExitCode::SUCCESS }
//!
//! /// A shop that bills its orders through Kafka
//! #[derive(Parser)]
//! enum Command {
//!     /// The web server
//!     Serve,
//!     #[command(flatten)]
//!     Kafka(KafkaCommand),
//! }
//!
//! # async fn example() -> ExitCode {
//! match Command::parse() {
//!     Command::Serve => serve().await,
//!     Command::Kafka(command) => {
//!         // Called when consumers are about to start, and only then: the other
//!         // commands run without the application's database.
//!         management::run(command, async |kafka| Ok(kafka.state(Db::connect().await?))).await
//!     }
//! }
//! # }
//! ```
//!
//! | command | what it does |
//! |---|---|
//! | `kafka-consume [NAME…]` | runs the registered consumers |
//! | `kafka-produce TOPIC` | produces one message, or a file of them |
//! | `kafka-tail TOPIC` | prints messages |
//! | `kafka-consumers` | lists the registered consumers |
//! | `kafka-topics list\|describe\|create` | the cluster's topics |
//! | `kafka-lag [NAME…]` | how far consumers are behind |
//! | `kafka-dlt list\|show\|redrive\|discard` | dead letters, and the ways back |
//! | `kafka-check` | checks settings, registry, brokers, topics and groups |
//! | `kafka-broker` | runs the embedded broker on its own (feature `embedded-broker`) |
//!
//! Where the settings ask for the embedded broker, a command uses the one that
//! another process runs on the same data directory, or else runs it itself
//! until it is done.
//!
//! Every command reads the settings before it connects anywhere. Exit codes: 0
//! done, 1 failed, 2 bad usage or bad settings; 130 and 143 when a second SIGINT
//! or SIGTERM ended it at once. Data goes to standard output, everything else
//! to standard error.

#[cfg(feature = "embedded-broker")]
mod broker;
mod check;
mod console;
mod consume;
mod consumers;
mod dlt;
mod error;
mod lag;
mod pattern;
mod produce;
mod progress;
mod shutdown;
mod signals;
mod status;
mod table;
mod tail;
mod text;
mod time;
mod topics;

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use error::{BoxError, CommandError, exit_code};
pub use progress::{LogWriter, log_writer};
pub use shutdown::shutdown_signal;

use crate::consumer::Registry;
use crate::kafka::{Kafka, KafkaBuilder};
use crate::settings::Settings;
use console::Console;

// clap would take a plain doc comment for the description of the application
// that flattens this; what is not a literal it leaves alone.
#[doc = concat!("The framework's commands, to be flattened into an application's own.")]
#[derive(Debug, Clone, clap::Subcommand)]
pub enum KafkaCommand {
    /// Run the registered consumers
    #[command(name = "kafka-consume")]
    Consume(consume::Consume),
    /// Produce one message, or a file of them
    #[command(name = "kafka-produce")]
    Produce(produce::Produce),
    /// Print the messages of a topic
    #[command(name = "kafka-tail")]
    Tail(tail::Tail),
    /// List the registered consumers
    #[command(name = "kafka-consumers")]
    Consumers(consumers::Consumers),
    /// List, describe and create topics
    #[command(name = "kafka-topics")]
    Topics(topics::Topics),
    /// Show how far consumers are behind
    #[command(name = "kafka-lag")]
    Lag(lag::Lag),
    /// List, show, redrive and discard dead letters
    #[command(name = "kafka-dlt")]
    Dlt(dlt::Dlt),
    /// Check settings, registry, brokers, topics and groups
    #[command(name = "kafka-check")]
    Check(check::Check),
    /// Run the embedded broker on its own
    #[cfg(feature = "embedded-broker")]
    #[command(name = "kafka-broker")]
    Broker(broker::Broker),
}

/// Runs a command with the linked consumers and the settings of files and
/// environment; what went wrong is on standard error.
///
/// `configure` gives the consumers their state. It is called by `kafka-consume`
/// alone, after the settings and the consumers' names were found good.
pub async fn run(
    command: KafkaCommand,
    configure: impl AsyncFnOnce(KafkaBuilder) -> Result<KafkaBuilder, BoxError>,
) -> ExitCode {
    Management::new().run(command, configure).await
}

/// What the commands work with, where it is not the default.
///
/// ```no_run
/// # use kafka_integration::management::{KafkaCommand, Management};
/// # use kafka_integration::prelude::*;
/// # async fn example(command: KafkaCommand, billing: ConsumerSpec) {
/// let mut registry = Registry::linked();
/// registry.add(billing);
/// let code = Management::new()
///     .registry(registry)
///     .run(command, async |kafka| Ok(kafka))
///     .await;
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct Management {
    settings: Option<Settings>,
    registry: Option<Registry>,
    console: Console,
    /// The handle of a command, which ends with it.
    opened: Arc<OnceLock<Kafka>>,
}

impl Management {
    /// The defaults: [`Settings::load`], [`Registry::linked`], standard output
    /// and standard error.
    pub fn new() -> Self {
        Self::default()
    }

    /// These settings instead of those of files and environment.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// These consumers instead of the linked ones.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Where data goes instead of standard output.
    pub fn output(mut self, writer: impl Write + Send + 'static) -> Self {
        self.console.set_output(writer);
        self
    }

    /// Where reports and errors go instead of standard error.
    pub fn notices(mut self, writer: impl Write + Send + 'static) -> Self {
        self.console.set_notices(writer);
        self
    }

    /// Runs a command to its end and says how it went.
    pub async fn run(
        self,
        command: KafkaCommand,
        configure: impl AsyncFnOnce(KafkaBuilder) -> Result<KafkaBuilder, BoxError>,
    ) -> ExitCode {
        let console = self.console.clone();
        match self.execute(command, configure).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                if let Some(message) = error.message() {
                    console.notice(format_args!("error: {message}"));
                }
                error.exit_code()
            }
        }
    }

    /// Like [`run`](Self::run), for a caller that reports errors by itself.
    ///
    /// # Errors
    /// When the command failed; [`CommandError::exit_code`] is what a process
    /// should end with.
    pub async fn execute(
        self,
        command: KafkaCommand,
        configure: impl AsyncFnOnce(KafkaBuilder) -> Result<KafkaBuilder, BoxError>,
    ) -> Result<(), CommandError> {
        let console = self.console.clone();
        let opened = Arc::clone(&self.opened);
        let done = match command {
            KafkaCommand::Consume(command) => command.run(self, configure).await,
            KafkaCommand::Produce(command) => command.run(self).await,
            KafkaCommand::Tail(command) => command.run(self).await,
            KafkaCommand::Consumers(command) => command.run(self),
            KafkaCommand::Topics(command) => command.run(self).await,
            KafkaCommand::Lag(command) => command.run(self).await,
            KafkaCommand::Dlt(command) => command.run(self).await,
            KafkaCommand::Check(command) => command.run(self).await,
            #[cfg(feature = "embedded-broker")]
            KafkaCommand::Broker(command) => command.run(self).await,
        };
        if let Some(kafka) = opened.get() {
            // The embedded broker, if it runs here, writes what it was given.
            let _ = kafka.shutdown(Duration::from_secs(5)).await;
        }
        // What was printed before a failure belongs to the reader all the same.
        done.and(console.flush())
    }

    /// The settings, loaded if need be.
    fn load_settings(&mut self) -> Result<Settings, CommandError> {
        match self.settings.take() {
            Some(settings) => Ok(settings),
            None => Ok(Settings::load()?),
        }
    }

    /// A handle for commands that need no state of the application.
    fn kafka(&mut self) -> Result<Kafka, CommandError> {
        let settings = self.load_settings()?;
        let kafka = Kafka::builder()
            .settings(settings)
            .build_without_handlers()?;
        Ok(self.opened.get_or_init(|| kafka).clone())
    }

    fn take_registry(&mut self) -> Registry {
        self.registry.take().unwrap_or_else(Registry::linked)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::KafkaCommand;

    #[test]
    fn the_description_of_an_application_is_its_own() {
        /// A shop
        #[derive(Parser)]
        enum Described {
            #[command(flatten)]
            _Kafka(KafkaCommand),
        }
        #[derive(Parser)]
        enum Silent {
            #[command(flatten)]
            _Kafka(KafkaCommand),
        }
        let about = |command: clap::Command| command.get_about().map(ToString::to_string);
        assert_eq!(about(Described::command()).as_deref(), Some("A shop"));
        assert_eq!(about(Silent::command()), None);
    }
}
