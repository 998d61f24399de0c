use std::time::{Duration, Instant};

use kafka_integration_benches::Failure;
use kafka_integration_broker::EmbeddedBroker;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::net::TcpStream;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[arg(long, default_value_t = 1_000)]
    topics: usize,
    #[arg(long, default_value_t = 10)]
    partitions: i32,
    #[arg(long, default_value_t = 1_000)]
    connections: usize,
    #[arg(long, default_value_t = 200)]
    members: usize,
}

const TIMEOUT: Duration = Duration::from_secs(120);

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let broker = EmbeddedBroker::builder()
        .data_dir(directory.path())
        .start()
        .await?;
    let address = broker.bootstrap_servers();
    let config = || {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &address);
        config
    };
    println!("nothing yet: {:.0} MiB", memory());

    let began = Instant::now();
    let admin: AdminClient<DefaultClientContext> = config().create()?;
    let names: Vec<String> = (0..options.topics)
        .map(|number| format!("topic-{number}"))
        .collect();
    for names in names.chunks(100) {
        let topics: Vec<NewTopic<'_>> = names
            .iter()
            .map(|name| NewTopic::new(name, options.partitions, TopicReplication::Fixed(1)))
            .collect();
        for result in admin
            .create_topics(&topics, &AdminOptions::new().request_timeout(Some(TIMEOUT)))
            .await?
        {
            result.map_err(|(topic, code)| format!("{topic}: {code}"))?;
        }
    }
    println!(
        "{} topics, {} partitions made in {:.1?}: {:.0} MiB",
        options.topics,
        options.topics as i32 * options.partitions,
        began.elapsed(),
        memory()
    );

    let client: BaseConsumer = config().create()?;
    let began = Instant::now();
    let metadata = client.fetch_metadata(None, TIMEOUT)?;
    println!(
        "metadata of all {} topics in {:.1?}",
        metadata.topics().len(),
        began.elapsed()
    );

    let began = Instant::now();
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(TcpStream::connect(broker.address()).await?);
    }
    println!(
        "{} idle connections after {:.1?}: {:.0} MiB",
        connections.len(),
        began.elapsed(),
        memory()
    );
    let began = Instant::now();
    client.fetch_metadata(Some(&names[0]), TIMEOUT)?;
    println!(
        "metadata of one topic beside them in {:.1?}",
        began.elapsed()
    );

    let topic = "members";
    let many = NewTopic::new(topic, options.members as i32, TopicReplication::Fixed(1));
    admin.create_topics([&many], &AdminOptions::new()).await?;
    let began = Instant::now();
    let members: Vec<_> = (0..options.members)
        .map(|_| {
            let config = config()
                .set("group.id", "scale")
                .set("session.timeout.ms", "45000")
                .clone();
            std::thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || member(&config, topic))
        })
        .collect::<Result<_, _>>()?;
    let members = tokio::task::spawn_blocking(move || -> Result<Vec<BaseConsumer>, String> {
        members
            .into_iter()
            .map(|member| member.join().map_err(|_| "a member panicked".to_string())?)
            .collect()
    })
    .await??;
    println!(
        "{} members with a partition each after {:.1?}: {:.0} MiB with their clients",
        members.len(),
        began.elapsed(),
        memory()
    );
    drop(members);
    broker.stop().await;
    Ok(())
}

/// Joins and polls until it has exactly one partition.
fn member(config: &ClientConfig, topic: &str) -> Result<BaseConsumer, String> {
    let consumer: BaseConsumer = config.create().map_err(|error| error.to_string())?;
    consumer
        .subscribe(&[topic])
        .map_err(|error| error.to_string())?;
    let deadline = Instant::now() + TIMEOUT;
    while Instant::now() < deadline {
        consumer.poll(Duration::from_millis(100));
        if consumer
            .assignment()
            .map_err(|error| error.to_string())?
            .count()
            == 1
        {
            return Ok(consumer);
        }
    }
    Err("a member got no partition".into())
}

/// Resident memory of this process, in MiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}
