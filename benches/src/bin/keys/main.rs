//! Key order under handlers that wait: how near the framework comes to what the
//! handlers alone would need, and what one slow key does to the others.
//!
//! `cargo run --release -p kafka-integration-benches --bin keys -- --bootstrap localhost:9092 flood`

mod consumer;
mod flood;
mod hang;
mod wait;
mod zipf;

use clap::{Parser, Subcommand};
use kafka_integration_benches::{Failure, child};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
struct Arguments {
    /// The brokers' addresses.
    #[arg(long, global = true, default_value = "localhost:9092")]
    bootstrap: String,
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// 1,000 keys in turn and as many handlers as keys: the ideal is that every
    /// handler is always busy.
    Flood(flood::Flood),
    /// Keys by Zipf's law: the hottest key sets the ideal.
    Zipf(zipf::Zipf),
    /// A steady stream, one key of which hangs: the latency of the others.
    Hang(hang::Hang),
}

/// The value of a message.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    key: u32,
    /// The key's own count, from 1.
    sequence: u64,
    /// Nanoseconds since 1970.
    sent: u64,
    /// How much longer its handler takes, in milliseconds.
    hang_ms: u64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if let Some(phase) = child::phase::<consumer::Phase>()? {
        return child::finish(&consumer::consume(phase).await?);
    }
    let arguments = Arguments::parse();
    match arguments.bench {
        Bench::Flood(flood) => flood.run(&arguments.bootstrap).await,
        Bench::Zipf(zipf) => zipf.run(&arguments.bootstrap).await,
        Bench::Hang(hang) => hang.run(&arguments.bootstrap).await,
    }
}
