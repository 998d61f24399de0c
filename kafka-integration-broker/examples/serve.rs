//! A broker on its own: `cargo run --example serve -- [PORT [DATA_DIR]]`.

use kafka_integration_broker::EmbeddedBroker;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(9092), |port| port.parse())?;
    let mut builder = EmbeddedBroker::builder().port(port);
    if let Some(directory) = arguments.next() {
        builder = builder.data_dir(directory);
    }
    let broker = builder.start().await?;
    println!("{}", broker.bootstrap_servers());
    tokio::signal::ctrl_c().await?;
    broker.stop().await;
    Ok(())
}
