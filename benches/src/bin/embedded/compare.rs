use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kafka_integration_benches::{Failure, median, sorted};

use crate::{latency, throughput};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Apache Kafka's address; without it the embedded broker runs alone.
    #[arg(long)]
    kafka: Option<String>,
    /// Records of a round, of 113 bytes.
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 12)]
    partitions: i32,
    /// Rounds.
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// Seconds of 500 messages a second, in each round.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// What one broker did, a value for each round.
#[derive(Default)]
struct Figures {
    produced: Vec<f64>,
    consumed: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// The embedded broker as a process of its own.
struct Embedded {
    child: Child,
    address: String,
}

impl Embedded {
    fn start(data_dir: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut address)?;
        }
        Ok(Self {
            child,
            address: address.trim().into(),
        })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let embedded = Embedded::start(directory.path())?;
    let mut brokers = vec![(
        "embedded, on disk",
        embedded.address.clone(),
        Figures::default(),
    )];
    if let Some(kafka) = &options.kafka {
        brokers.push(("Apache Kafka", kafka.clone(), Figures::default()));
    }
    for round in 0..options.rounds.get() {
        for (name, address, figures) in &mut brokers {
            let topic = format!("bench-{}-{round}", std::process::id());
            throughput::create(address, &topic, options.partitions).await?;
            let produced = throughput::produce(address, &topic, options.messages)?;
            let consumed = throughput::consume(address, &topic, options.messages)?;
            let latencies = latency::measure(address, options.seconds).await?;
            throughput::delete(address, &topic).await?;
            println!(
                "{name:<18} produce {produced:>9.0}/s  consume {consumed:>9.0}/s  p50 {:.2} ms  p99 {:.2} ms",
                latencies.0, latencies.1
            );
            figures.produced.push(produced);
            figures.consumed.push(consumed);
            figures.p50.push(latencies.0);
            figures.p99.push(latencies.1);
        }
    }
    println!("\nmedian of {} rounds", options.rounds);
    let middle = |values: &[f64]| median(&sorted(values.iter().copied()));
    for (name, _, figures) in &brokers {
        println!(
            "{name:<18} produce {:>9.0}/s  consume {:>9.0}/s  p50 {:.2} ms  p99 {:.2} ms",
            middle(&figures.produced),
            middle(&figures.consumed),
            middle(&figures.p50),
            middle(&figures.p99),
        );
    }
    Ok(())
}
