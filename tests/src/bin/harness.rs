//! A consumer process for the fault tests: it is killed, stopped and restarted,
//! and leaves a journal of what its handlers started and finished.
#![allow(missing_docs)]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering as Atomic};
use std::time::Duration;

use clap::Parser;
use kafka_integration::prelude::*;
use kafka_integration::retry::{Original, RetryPolicy};
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Attempt, Event, Fate, Journal};

#[derive(Parser)]
struct Args {
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Where started and finished messages are appended.
    #[arg(long)]
    journal: PathBuf,
    #[arg(long, default_value = "partition")]
    ordering: String,
    #[arg(long, default_value_t = 1)]
    concurrency: usize,
    /// How long a handler sleeps, in milliseconds.
    #[arg(long, default_value_t = 0)]
    handler_ms: u64,
    /// A handler of this key sleeps so long, once.
    #[arg(long)]
    hang_key: Option<String>,
    #[arg(long, default_value_t = 0)]
    hang_ms: u64,
    /// A handler of this key panics, once.
    #[arg(long)]
    panic_key: Option<String>,
    /// A handler of this key fails, `--fail-times` times.
    #[arg(long)]
    fail_key: Option<String>,
    #[arg(long, default_value_t = 0)]
    fail_times: u32,
    /// The first so many attempts at each message of `--fail-key` fail.
    #[arg(long, default_value_t = 0)]
    fail_attempts: u32,
    /// Events fail as their `Fate` says.
    #[arg(long)]
    fates: bool,
    /// How long a failed message waits, in milliseconds.
    #[arg(long, default_value_t = 100)]
    retry_ms: u64,
    /// How much longer it waits each time.
    #[arg(long, default_value_t = 1.0)]
    retry_factor: f64,
    /// For ever unless given.
    #[arg(long)]
    max_retries: Option<u32>,
    /// In its lane, or in a retry topic; the framework's choice unless given.
    #[arg(long)]
    blocking: Option<bool>,
    #[arg(long)]
    preserve_order: bool,
    /// Messages are handled in batches of at least so many.
    #[arg(long)]
    batch_min: Option<usize>,
    #[arg(long, default_value_t = 1_000)]
    batch_max: usize,
    #[arg(long, default_value_t = 100)]
    batch_linger_ms: u64,
    #[arg(long, default_value_t = 1_000)]
    max_in_flight: usize,
    #[arg(long)]
    max_in_flight_bytes: Option<usize>,
    #[arg(long, default_value_t = 30_000)]
    shutdown_ms: u64,
    /// Client properties, `name=value`.
    #[arg(long)]
    config: Vec<String>,
}

struct Work {
    topic: String,
}

/// The same topic, in batches.
struct Batched {
    topic: String,
    policy: BatchPolicy,
}

struct Handling {
    journal: Journal,
    handler: Duration,
    hang_key: Option<String>,
    hang: Duration,
    hung: AtomicBool,
    panic_key: Option<String>,
    panicked: AtomicBool,
    fail_key: Option<String>,
    failures_left: AtomicU32,
    fail_attempts: u32,
    fates: bool,
}

impl Handling {
    /// What was asked to go wrong with this message does.
    async fn misbehave(&self, attempt: Attempt, event: &Event) -> Result<(), ConsumeError> {
        let is = |key: &Option<String>| key.as_ref() == Some(&event.key);
        if is(&self.panic_key) && !self.panicked.swap(true, Atomic::SeqCst) {
            self.journal.failed(attempt, event)?;
            panic!("as asked");
        }
        if is(&self.fail_key) {
            let one_less = |left: u32| left.checked_sub(1);
            let failures = &self.failures_left;
            if failures
                .fetch_update(Atomic::SeqCst, Atomic::SeqCst, one_less)
                .is_ok()
            {
                self.journal.failed(attempt, event)?;
                return Err(ConsumeError::new("as asked"));
            }
        }
        if is(&self.fail_key) && attempt.number <= self.fail_attempts {
            self.journal.failed(attempt, event)?;
            return Err(ConsumeError::new("as asked"));
        }
        let fate = Fate::of(event.id);
        if self.fates && fate.fails(attempt.number) {
            self.journal.failed(attempt, event)?;
            let error = ConsumeError::new(format!("event {} fails", event.id));
            return Err(match fate {
                Fate::Terminal => error.with_class("Terminal").terminal(),
                Fate::Hopeless => error.with_class("Hopeless"),
                _ => error.with_class("Transient"),
            });
        }
        if is(&self.hang_key) && !self.hung.swap(true, Atomic::SeqCst) {
            tokio::time::sleep(self.hang).await;
        }
        Ok(())
    }
}

impl Topic for Work {
    type Key = String;
    type Value = Event;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }
}

impl Consume for Work {
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        let handling = cx.state::<Handling>()?;
        let event = message.value();
        let attempt = attempt(&cx.original(), cx.attempt());
        handling.journal.started(attempt, event)?;
        handling.misbehave(attempt, event).await?;
        if !handling.handler.is_zero() {
            tokio::time::sleep(handling.handler).await;
        }
        handling.journal.finished(attempt, event)?;
        Ok(())
    }
}

impl Topic for Batched {
    type Key = String;
    type Value = Event;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }

    fn batch(&self) -> BatchPolicy {
        self.policy.clone()
    }
}

impl Consume<Batch<Self>> for Batched {
    async fn consume(&self, batch: Batch<Self>, cx: &Context) -> Result<(), BatchError> {
        let handling = cx.state::<Handling>()?;
        if !handling.handler.is_zero() {
            tokio::time::sleep(handling.handler).await;
        }
        let mut failures = BatchFailures::new();
        for (index, message) in batch.iter().enumerate() {
            let event = message.value();
            let (original, number) = (batch.original(index), batch.attempt(index));
            let (Some(original), Some(number)) = (original, number) else {
                unreachable!("it is of the batch");
            };
            let attempt = attempt(&original, number);
            handling.journal.started(attempt, event)?;
            match handling.misbehave(attempt, event).await {
                Ok(()) => handling.journal.finished(attempt, event)?,
                Err(error) => failures.push(index, error),
            }
        }
        failures.into_result()
    }
}

fn attempt(original: &Original, number: u32) -> Attempt {
    Attempt {
        partition: original.partition,
        offset: original.offset,
        number,
    }
}

fn append(path: &PathBuf) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let mut settings = Settings::with_bootstrap_servers(&args.bootstrap);
    settings.cluster.shutdown_timeout = Duration::from_millis(args.shutdown_ms);
    settings.cluster.max_in_flight = args.max_in_flight.try_into()?;
    if let Some(bytes) = args.max_in_flight_bytes {
        settings.cluster.max_in_flight_bytes = bytes;
    }
    let kafka = Kafka::builder()
        .settings(settings)
        .state(Handling {
            journal: Journal::new(append(&args.journal)?),
            handler: Duration::from_millis(args.handler_ms),
            hang_key: args.hang_key,
            hang: Duration::from_millis(args.hang_ms),
            hung: AtomicBool::new(false),
            panic_key: args.panic_key,
            panicked: AtomicBool::new(false),
            fail_key: args.fail_key,
            failures_left: AtomicU32::new(args.fail_times),
            fail_attempts: args.fail_attempts,
            fates: args.fates,
        })
        .build()?;
    let ordering = match args.ordering.as_str() {
        "partition" => Ordering::Partition,
        "key" => Ordering::Key,
        _ => Ordering::None,
    };
    let mut spec = ConsumerSpec::new("Harness", args.group)
        .ordering(ordering)
        .concurrency(args.concurrency)
        .retry(RetryPolicy {
            max_retries: args.max_retries,
            delay: Duration::from_millis(args.retry_ms),
            factor: args.retry_factor,
            max_delay: Duration::from_secs(24 * 3_600),
            jitter: 0.0,
            blocking: args.blocking,
            preserve_order: args.preserve_order,
            ..RetryPolicy::default()
        });
    spec = match args.batch_min {
        None => spec.topic(Work { topic: args.topic }),
        Some(min) => spec.topic(Batched {
            topic: args.topic,
            policy: BatchPolicy {
                min,
                max: args.batch_max,
                linger: Duration::from_millis(args.batch_linger_ms),
            },
        }),
    };
    for property in &args.config {
        let (name, value) = property.split_once('=').ok_or("--config name=value")?;
        spec = spec.config(name, value);
    }
    let mut registry = Registry::new();
    registry.add(spec);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let runner = Runner::new(kafka, registry);
    let status = runner.status();
    runner
        .run(async move {
            terminate.recv().await;
            tokio::spawn(async move {
                terminate.recv().await;
                // As `kafka-consume` does: whatever is in flight is cut off.
                std::process::exit(143);
            });
        })
        .await?;
    let mut out = std::io::stdout();
    for consumer in status.consumers() {
        writeln!(out, "{consumer:?}")?;
    }
    Ok(())
}
