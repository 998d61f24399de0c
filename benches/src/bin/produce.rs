//! Producing typed JSON orders: this framework's pipeline against the raw
//! client, alternating in one run on a broker given by its address.
//!
//! `cargo run --release -p kafka-integration-benches --bin produce -- --bootstrap localhost:9092`

use std::collections::VecDeque;
use std::error::Error;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use kafka_integration::Kafka;
use kafka_integration::prelude::{Json, Topic};
use kafka_integration::producer::Record;
use kafka_integration::settings::{ClientKind, Settings};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryFuture, FutureProducer, FutureRecord, Producer,
    ProducerContext, ThreadedProducer,
};
use rdkafka::util::AsyncRuntime;
use rdkafka::{ClientConfig, ClientContext};
use serde::{Deserialize, Serialize};

/// Produces the same orders by each way in turn and compares what they cost.
#[derive(Parser)]
struct Arguments {
    /// The brokers' addresses.
    #[arg(long)]
    bootstrap: String,
    /// Records of each way in each round.
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Rounds, after one that is not counted.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 12)]
    partitions: i32,
    /// The pipeline's and the futures' bound.
    #[arg(long, default_value_t = 20_000)]
    in_flight: usize,
    /// A client property, as NAME=VALUE; for all ways.
    #[arg(long = "set")]
    properties: Vec<String>,
}

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    order_id: u64,
    customer: String,
    sku: String,
    quantity: u32,
    unit_price_cents: u64,
    total_cents: u64,
}

impl Order {
    /// About 113 bytes as JSON.
    fn number(order_id: u64) -> Self {
        let quantity = (order_id % 9 + 1) as u32;
        Self {
            order_id,
            customer: format!("customer-{}", order_id % 1_000),
            sku: format!("sku-{}", order_id % 100),
            quantity,
            unit_price_cents: 1_995,
            total_cents: 1_995 * u64::from(quantity),
        }
    }
}

struct Orders {
    topic: String,
}

impl Topic for Orders {
    type Key = String;
    type Value = Order;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }
}

/// What a way of producing needs to know.
struct Bench {
    messages: u64,
    in_flight: usize,
    topic: String,
    config: ClientConfig,
    kafka: Kafka,
}

/// Counts the delivery callbacks.
#[derive(Default)]
struct Counting {
    acknowledged: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = match result {
            Ok(_) => &self.acknowledged,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The timers that `FutureProducer` asks for.
struct Tokio;

impl AsyncRuntime for Tokio {
    type Delay = tokio::time::Sleep;

    fn spawn<T: Future<Output = ()> + Send + 'static>(task: T) {
        tokio::spawn(task);
    }

    fn delay_for(duration: Duration) -> Self::Delay {
        tokio::time::sleep(duration)
    }
}

/// The raw loop that polls between its sends.
fn base_producer(bench: &Bench) -> Result<u64, Failure> {
    let producer: BaseProducer<Counting> = bench.config.create_with_context(Counting::default())?;
    let mut payload = Vec::new();
    for number in 0..bench.messages {
        let order = Order::number(number);
        payload.clear();
        serde_json::to_writer(&mut payload, &order)?;
        let mut record = BaseRecord::to(&bench.topic)
            .key(order.customer.as_str())
            .payload(payload.as_slice());
        while let Err((error, returned)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = returned;
            // Not `poll(1 ms)`: the last millisecond of a poll spins.
            std::thread::sleep(Duration::from_millis(1));
            producer.poll(Duration::ZERO);
        }
        if number % 64 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(producer.context().acknowledged.load(Ordering::Relaxed))
}

/// The raw client with its own polling thread.
fn threaded_producer(bench: &Bench) -> Result<u64, Failure> {
    let producer: ThreadedProducer<Counting> =
        bench.config.create_with_context(Counting::default())?;
    let mut payload = Vec::new();
    for number in 0..bench.messages {
        let order = Order::number(number);
        payload.clear();
        serde_json::to_writer(&mut payload, &order)?;
        let mut record = BaseRecord::to(&bench.topic)
            .key(order.customer.as_str())
            .payload(payload.as_slice());
        while let Err((error, returned)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = returned;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(producer.context().acknowledged.load(Ordering::Relaxed))
}

/// A future per record, as many at a time as the pipeline has.
async fn future_producer(bench: &Bench) -> Result<u64, Failure> {
    let producer: FutureProducer<DefaultClientContext, Tokio> = bench.config.create()?;
    let mut payload = Vec::new();
    let mut waiting: VecDeque<DeliveryFuture> = VecDeque::new();
    let mut acknowledged = 0;
    for number in 0..bench.messages {
        let order = Order::number(number);
        payload.clear();
        serde_json::to_writer(&mut payload, &order)?;
        if waiting.len() >= bench.in_flight
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.await?.map_err(|(error, _)| error)?;
            acknowledged += 1;
        }
        let record = FutureRecord::to(&bench.topic)
            .key(order.customer.as_str())
            .payload(payload.as_slice());
        let delivery = producer.send_result(record).map_err(|(error, _)| error)?;
        waiting.push_back(delivery);
    }
    for delivery in waiting {
        delivery.await?.map_err(|(error, _)| error)?;
        acknowledged += 1;
    }
    Ok(acknowledged)
}

/// This framework.
async fn pipeline(bench: &Bench) -> Result<u64, Failure> {
    let orders = Orders {
        topic: bench.topic.clone(),
    };
    let mut pipeline = orders
        .pipeline()
        .max_in_flight(bench.in_flight)
        .on(&bench.kafka);
    for number in 0..bench.messages {
        let order = Order::number(number);
        let customer = order.customer.clone();
        pipeline.send(Record::new(order).key(customer)).await?;
    }
    Ok(pipeline.finish().await?.acknowledged)
}

const WAYS: [&str; 4] = [
    "BaseProducer",
    "pipeline",
    "ThreadedProducer",
    "FutureProducer",
];

async fn run(way: &str, bench: &Bench) -> Result<u64, Failure> {
    match way {
        "BaseProducer" => base_producer(bench),
        "ThreadedProducer" => threaded_producer(bench),
        "FutureProducer" => future_producer(bench).await,
        _ => pipeline(bench).await,
    }
}

/// One way in one round.
struct Sample {
    messages_per_second: f64,
    cpu_micros_per_message: f64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let mut settings = Settings::with_bootstrap_servers(&arguments.bootstrap);
    for property in &arguments.properties {
        let (name, value) = property
            .split_once('=')
            .ok_or_else(|| format!("`{property}` is not NAME=VALUE"))?;
        settings.cluster.producer_config.set(name, value);
    }
    let kafka = Kafka::builder().settings(settings).build()?;
    let config = kafka.client_config(None, ClientKind::Producer, &[])?;
    let topic = format!("bench-produce-{}", std::process::id());
    create_topic(&arguments, &topic).await?;

    let mut samples: [Vec<Sample>; WAYS.len()] = Default::default();
    for round in 0..=arguments.rounds.get() {
        for (way, samples) in WAYS.iter().zip(&mut samples) {
            // A handle each, so that making the client is part of every way.
            let bench = Bench {
                messages: arguments.messages,
                in_flight: arguments.in_flight,
                topic: topic.clone(),
                config: config.clone(),
                kafka: Kafka::builder()
                    .settings(kafka.settings().clone())
                    .build()?,
            };
            let (cpu, start) = (cpu_time(), Instant::now());
            let acknowledged = run(way, &bench).await?;
            let (elapsed, cpu) = (start.elapsed(), cpu_time() - cpu);
            if acknowledged != arguments.messages {
                return Err(format!("{way}: only {acknowledged} acknowledged").into());
            }
            let count = arguments.messages as f64;
            let sample = Sample {
                messages_per_second: count / elapsed.as_secs_f64(),
                cpu_micros_per_message: cpu.as_secs_f64() * 1e6 / count,
            };
            println!(
                "round {round} {way:<17} {:>9.0} messages/s  {:.3} µs CPU per message",
                sample.messages_per_second, sample.cpu_micros_per_message
            );
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    report(&samples);
    Ok(())
}

fn report(samples: &[Vec<Sample>; WAYS.len()]) {
    let cpu =
        |samples: &[Sample]| sorted(samples.iter().map(|sample| sample.cpu_micros_per_message));
    let base = cpu(&samples[0]);
    println!(
        "\n{:<17} {:>11} {:>17} {:>17}",
        "", "messages/s", "CPU µs min/median", "ratio min/median"
    );
    for (way, samples) in WAYS.iter().zip(samples) {
        let rate = sorted(samples.iter().map(|sample| sample.messages_per_second));
        let cpu = cpu(samples);
        println!(
            "{way:<17} {:>11.0} {:>9.3} / {:.3} {:>9.2} / {:.2}",
            median(&rate),
            cpu[0],
            median(&cpu),
            cpu[0] / base[0],
            median(&cpu) / median(&base),
        );
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

async fn create_topic(arguments: &Arguments, topic: &str) -> Result<(), Failure> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &arguments.bootstrap)
        .create()?;
    let topic = NewTopic::new(topic, arguments.partitions, TopicReplication::Fixed(1));
    for result in admin.create_topics([&topic], &AdminOptions::new()).await? {
        result.map_err(|(topic, code)| format!("{topic}: {code}"))?;
    }
    Ok(())
}

/// User and system time of this process.
#[allow(unsafe_code)]
fn cpu_time() -> Duration {
    // SAFETY: all zero is a valid `rusage`, and the call only writes to it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}
