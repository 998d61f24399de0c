//! Consuming a backlog of typed JSON orders: this framework against the raw
//! client doing the same work, alternating in one run.
//!
//! `cargo run --release -p kafka-integration-benches --bin consume -- --bootstrap localhost:9092`

use std::hint::black_box;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;
use kafka_integration_benches::{
    Cost, Failure, Order, Progress, Topics, child, report, tuned_consumer,
};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// Consumes the same orders by each way in turn and compares what they cost.
#[derive(Parser)]
struct Arguments {
    /// The brokers' addresses.
    #[arg(long)]
    bootstrap: String,
    /// Orders in the topic, which is made once and kept.
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Rounds, after one that is not counted.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 12)]
    partitions: i32,
    /// Messages the framework handles at a time.
    #[arg(long, default_value_t = 1)]
    concurrency: usize,
    /// The ways; the first is what the others are compared with.
    #[arg(long, value_delimiter = ',', default_value = "raw,partition,key")]
    ways: Vec<Way>,
    /// A client property, as NAME=VALUE; for all ways.
    #[arg(long = "set")]
    properties: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum, Serialize, Deserialize)]
enum Way {
    /// `BaseConsumer::poll`, decode, `store_offset_from_message`.
    Raw,
    /// The framework, in the order of each partition.
    Partition,
    /// The framework, in the order of each key.
    Key,
    /// The framework, in no order.
    None,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Partition => "partition",
            Self::Key => "key",
            Self::None => "none",
        }
    }
}

/// What a child process is told.
#[derive(Serialize, Deserialize)]
struct Phase {
    way: Way,
    bootstrap: String,
    topic: String,
    group: String,
    messages: u64,
    concurrency: usize,
    properties: Vec<(String, String)>,
}

struct Orders {
    topic: String,
}

impl Topic for Orders {
    // The raw loop doesn't look at the keys either.
    type Key = ();
    type Value = Order;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }
}

impl Consume for Orders {
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        black_box(message.value().total_cents);
        cx.state::<Progress>()?.one();
        Ok(())
    }
}

fn raw(phase: &Phase) -> Result<Cost, Failure> {
    let mut config = tuned_consumer(&phase.bootstrap, &phase.group)?;
    // As often as the framework does.
    config.set("enable.auto.commit", "true");
    config.set("auto.commit.interval.ms", "100");
    for (name, value) in &phase.properties {
        config.set(name, value);
    }
    let consumer: BaseConsumer = config.create()?;
    consumer.subscribe(&[&phase.topic])?;
    let (progress, mut cost) = Progress::of(phase.messages);
    let cost = loop {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            continue;
        };
        let message = message?;
        let order: Order = serde_json::from_slice(message.payload().unwrap_or_default())?;
        black_box(order.total_cents);
        consumer.store_offset_from_message(&message)?;
        progress.one();
        if progress.is_complete() {
            break cost.try_recv()?;
        }
    };
    consumer.commit_consumer_state(CommitMode::Sync)?;
    Ok(cost)
}

async fn framework(phase: &Phase, ordering: Ordering) -> Result<Cost, Failure> {
    let (progress, cost) = Progress::of(phase.messages);
    let kafka = Kafka::builder()
        .settings(Settings::with_bootstrap_servers(&phase.bootstrap))
        .state(progress)
        .build()?;
    let mut spec = ConsumerSpec::new("Bench", &phase.group)
        .topic(Orders {
            topic: phase.topic.clone(),
        })
        .ordering(ordering)
        .concurrency(phase.concurrency);
    for (name, value) in &phase.properties {
        spec = spec.config(name, value);
    }
    let mut registry = Registry::new();
    registry.add(spec);
    let (ended, end) = oneshot::channel();
    Runner::new(kafka, registry)
        .run(async move {
            let _ = ended.send(cost.await);
        })
        .await?;
    Ok(end.await??)
}

async fn measure(phase: &Phase) -> Result<Cost, Failure> {
    match phase.way {
        Way::Raw => raw(phase),
        Way::Partition => framework(phase, Ordering::Partition).await,
        Way::Key => framework(phase, Ordering::Key).await,
        Way::None => framework(phase, Ordering::None).await,
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    if let Some(phase) = child::phase::<Phase>()? {
        return child::finish(&measure(&phase).await?);
    }
    let arguments = Arguments::parse();
    let topics = Topics::at(&arguments.bootstrap);
    let topic = format!(
        "bench-orders-{}-{}",
        arguments.messages, arguments.partitions
    );
    topics
        .filled(
            &topic,
            arguments.partitions,
            arguments.messages,
            |number, message| {
                let order = Order::number(number);
                message.key.extend_from_slice(order.customer.as_bytes());
                serde_json::to_writer(&mut message.payload, &order)?;
                Ok(())
            },
        )
        .await?;
    let mut properties = Vec::new();
    for property in &arguments.properties {
        let (name, value) = property
            .split_once('=')
            .ok_or_else(|| format!("`{property}` is not NAME=VALUE"))?;
        properties.push((name.to_owned(), value.to_owned()));
    }

    let mut costs: Vec<_> = arguments
        .ways
        .iter()
        .map(|way| (way.name(), Vec::new()))
        .collect();
    for round in 0..=arguments.rounds {
        for (way, (name, costs)) in arguments.ways.iter().zip(&mut costs) {
            let group = format!("{topic}-{name}-{round}-{}", std::process::id());
            let cost: Cost = child::run(&Phase {
                way: *way,
                bootstrap: arguments.bootstrap.clone(),
                topic: topic.clone(),
                group: group.clone(),
                messages: arguments.messages,
                concurrency: arguments.concurrency,
                properties: properties.clone(),
            })?;
            let committed = topics.committed(&topic, arguments.partitions, &group)?;
            if committed != arguments.messages {
                return Err(format!("{name}: only {committed} messages committed").into());
            }
            println!("round {round} {name:<10} {cost}");
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    report(&costs);
    Ok(())
}
