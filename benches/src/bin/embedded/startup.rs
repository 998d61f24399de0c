use std::time::{Duration, Instant};

use kafka_integration_benches::{Failure, median, sorted};
use kafka_integration_broker::EmbeddedBroker;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Partitions of the topics that are found at the start.
    #[arg(long, default_value_t = 100)]
    partitions: i32,
    /// Starts.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let broker = EmbeddedBroker::builder()
        .data_dir(directory.path())
        .start()
        .await?;
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap_servers())
        .create()?;
    let topic = NewTopic::new("startup", options.partitions, TopicReplication::Fixed(1));
    admin.create_topics([&topic], &AdminOptions::new()).await?;
    drop(admin);
    broker.stop().await;
    let mut times = Vec::new();
    for _ in 0..options.rounds {
        let began = Instant::now();
        let broker = EmbeddedBroker::builder()
            .data_dir(directory.path())
            .start()
            .await?;
        let started = began.elapsed();
        let address = broker.bootstrap_servers();
        let answered = tokio::task::spawn_blocking(move || -> Result<Duration, String> {
            let client: BaseConsumer = ClientConfig::new()
                .set("bootstrap.servers", address)
                .create()
                .map_err(|error| error.to_string())?;
            client
                .fetch_metadata(None, Duration::from_secs(10))
                .map_err(|error| error.to_string())?;
            Ok(began.elapsed())
        })
        .await??;
        println!("started after {started:.1?}, a new client has its metadata after {answered:.1?}");
        times.push(answered.as_secs_f64() * 1e3);
        broker.stop().await;
    }
    println!("median {:.1} ms", median(&sorted(times)));
    Ok(())
}
