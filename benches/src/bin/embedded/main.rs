//! The embedded broker beside Apache Kafka, alternating in one run.
//!
//! `cargo run --release -p kafka-integration-benches --bin embedded -- compare --kafka localhost:9092`

mod compare;
mod latency;
mod scale;
mod startup;
mod throughput;

use clap::Parser;
use kafka_integration_benches::Failure;

/// Measures the embedded broker.
#[derive(Parser)]
enum Arguments {
    /// Produce, fetch and end-to-end latency, of both brokers in turn.
    Compare(compare::Options),
    /// From nothing to the first answer to Metadata.
    Startup(startup::Options),
    /// Many topics, partitions, connections and group members.
    Scale(scale::Options),
    /// A broker until it is killed; what `compare` runs as a process of its
    /// own.
    #[command(hide = true)]
    Serve(Serve),
}

#[derive(clap::Args)]
struct Serve {
    #[arg(long)]
    data_dir: Option<std::path::PathBuf>,
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match Arguments::parse() {
            Arguments::Compare(options) => compare::run(options).await,
            Arguments::Startup(options) => startup::run(options).await,
            Arguments::Scale(options) => scale::run(options).await,
            Arguments::Serve(options) => serve(options).await,
        }
    })
}

async fn serve(options: Serve) -> Result<(), Failure> {
    let mut builder = kafka_integration_broker::EmbeddedBroker::builder();
    if let Some(directory) = options.data_dir {
        builder = builder.data_dir(directory);
    }
    let broker = builder.start().await?;
    println!("{}", broker.bootstrap_servers());
    std::future::pending::<()>().await;
    drop(broker);
    Ok(())
}
