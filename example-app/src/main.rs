//! `app`: a shop that takes orders over HTTP and bills them through Kafka.
//!
//! Read `topics.rs` and `consumers.rs` first: they are all there is to say to
//! Kafka. `shop.rs` produces, `main.rs` mounts the framework's commands.

mod consumers;
mod db;
mod dev;
mod error;
mod http;
mod money;
mod payments;
mod serve;
mod settings;
mod shop;
mod shutdown;
mod time;
mod topics;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kafka_integration::KafkaBuilder;
use kafka_integration::management::{self, BoxError, KafkaCommand};
use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;
use tracing_subscriber::EnvFilter;

use crate::db::{Database, DatabaseUrl};
use crate::dev::Dev;
use crate::error::AppError;
use crate::http::Listen;

/// A shop that takes orders over HTTP and bills them through Kafka.
///
/// DATABASE_URL names its database: a SQLite path (shop.sqlite unless set) or a
/// postgres:// address. KAFKA__BOOTSTRAP_SERVERS names its brokers; without it, the
/// embedded broker is used, by all of these commands together.
#[derive(Debug, Parser)]
#[command(name = "app", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything in one process: broker, migrations, web server, consumers
    ///
    /// The broker keeps its data in .kafka, and any Kafka tool can look inside.
    /// Takes the brokers of KAFKA__BOOTSTRAP_SERVERS instead when that is set.
    Dev(Dev),
    /// The web server alone
    ///
    /// The consumers run elsewhere: `app kafka-consume`.
    Serve(Listen),
    /// Bring the database's tables up to date
    Migrate,
    #[command(flatten)]
    Kafka(KafkaCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(management::log_writer)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let done = match cli.command {
        Command::Dev(dev) => dev.run().await,
        Command::Serve(listen) => serve::serve(&listen).await,
        Command::Migrate => migrate_database().await,
        Command::Kafka(command) => return management::run(command, with_database).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}

/// What the consume hooks need, for `app kafka-consume`.
async fn with_database(kafka: KafkaBuilder) -> Result<KafkaBuilder, BoxError> {
    let database = migrated_database().await;
    Ok(kafka.state(database.map_err(AppError::into_command_error)?))
}

async fn migrated_database() -> Result<Database, AppError> {
    let database = Database::open(DatabaseUrl::from_env()?).await?;
    database.require_migrated().await?;
    Ok(database)
}

async fn migrate_database() -> Result<(), AppError> {
    let database = Database::open(DatabaseUrl::from_env()?).await?;
    migrate(&database).await
}

/// Runs the migrations and says which.
async fn migrate(database: &Database) -> Result<(), AppError> {
    let migrations = database.migrate().await?;
    if migrations.is_empty() {
        println!("{} is up to date", database.name());
    }
    for migration in migrations {
        println!("{}: migration {migration}", database.name());
    }
    Ok(())
}

/// The process's handle to Kafka. The consume hooks find the database in it,
/// and `Orders.produce(…)` finds it by itself.
fn kafka(settings: Settings, database: &Database) -> Result<Kafka, AppError> {
    let kafka = Kafka::builder()
        .settings(settings)
        .state(database.clone())
        .build()?;
    kafka.install()?;
    Ok(kafka)
}

/// Says where the embedded broker is, if that is the one.
async fn tell_broker(kafka: &Kafka) -> Result<(), AppError> {
    if let Some(address) = kafka.embedded_address(None).await? {
        println!("broker at {address}");
    }
    Ok(())
}
