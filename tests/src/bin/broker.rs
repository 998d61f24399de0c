//! The embedded broker as a process that can be killed.
#![allow(missing_docs)]

use std::path::PathBuf;

use clap::Parser;
use kafka_integration_broker::EmbeddedBroker;

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[arg(long)]
    data_dir: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let broker = EmbeddedBroker::builder()
        .port(args.port)
        // As tests/services/kafka.properties has it.
        .min_session_timeout(std::time::Duration::from_secs(1))
        .data_dir(args.data_dir)
        .start()
        .await?;
    println!("{}", broker.bootstrap_servers());
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    terminated.recv().await;
    broker.stop().await;
    Ok(())
}
