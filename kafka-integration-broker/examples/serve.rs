//! A broker on its own: `cargo run --example serve -- [PORT [DATA_DIR]]`.
//!
//! With `BROKER_USER=name:password` in the environment everybody has to log in.
//!
//! `RUST_LOG=info,kafka_integration_broker::api=trace` shows every request and
//! response.

use kafka_integration_broker::EmbeddedBroker;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(9092), |port| port.parse())?;
    let mut builder = EmbeddedBroker::builder().port(port);
    if let Some(directory) = arguments.next() {
        builder = builder.data_dir(directory);
    }
    if let Ok(user) = std::env::var("BROKER_USER") {
        let (name, password) = user.split_once(':').ok_or("BROKER_USER is name:password")?;
        builder = builder.user(name, password);
    }
    let broker = builder.start().await?;
    println!("{}", broker.bootstrap_servers());
    stopped().await?;
    broker.stop().await;
    Ok(())
}

/// Ctrl-C, or SIGTERM where there is such a thing.
async fn stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
