use std::time::{Duration, Instant};

use clap::Args;
use kafka_integration::prelude::Ordering;
use kafka_integration_benches::{Failure, Topics, child};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::Event;
use crate::consumer::{Found, Phase, now};

#[derive(Args)]
pub(crate) struct Hang {
    /// Messages a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// Keys, and handlers at a time.
    #[arg(long, default_value_t = 1_000)]
    keys: u32,
    /// How long a handler takes.
    #[arg(long, default_value_t = 10)]
    handler_ms: u64,
    /// How long the one that hangs takes.
    #[arg(long, default_value_t = 30)]
    hang_seconds: u64,
    /// Partitions; one run for each.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    partitions: Vec<i32>,
}

/// What the client needs to settle down; not part of the latencies.
const START: Duration = Duration::from_secs(3);

/// How long the stream without a hanging key is, after that.
const CALM: Duration = Duration::from_secs(10);

impl Hang {
    pub(crate) async fn run(&self, bootstrap: &str) -> Result<(), Failure> {
        for &partitions in &self.partitions {
            let calm = self.stream(bootstrap, partitions, Duration::ZERO).await?;
            let hang = Duration::from_secs(self.hang_seconds);
            let hung = self.stream(bootstrap, partitions, hang).await?;
            for (name, found) in [("calm", &calm), ("one key hangs", &hung)] {
                println!(
                    "hang, {partitions} partitions, {name:<13}  latency of the others p50 {:.1} ms  \
                     p99 {:.1} ms  max {:.1} ms",
                    found.p50, found.p99, found.max
                );
            }
            println!(
                "hang, {partitions} partitions: {:+.1} ms added at p99",
                hung.p99 - calm.p99
            );
        }
        Ok(())
    }

    async fn stream(
        &self,
        bootstrap: &str,
        partitions: i32,
        hang: Duration,
    ) -> Result<Found, Failure> {
        let topic = format!("bench-hang-{}-{partitions}", now());
        Topics::at(bootstrap).create(&topic, partitions).await?;
        let seconds = (START + hang.max(CALM)).as_secs();
        let messages = seconds * self.rate;
        let mut running = child::start(&Phase {
            bootstrap: bootstrap.to_owned(),
            topic: topic.clone(),
            messages,
            keys: self.keys,
            ordering: Ordering::Key,
            concurrency: self.keys as usize,
            handler_ms: self.handler_ms,
            exact: false,
            max_in_flight: None,
            // Its client is made within the first second.
            latency_from: now() + (START + Duration::from_secs(1)).as_nanos() as u64,
        })?;
        running.wait_ready()?;
        self.produce(bootstrap, &topic, partitions, messages, hang)?;
        running.result()
    }

    fn produce(
        &self,
        bootstrap: &str,
        topic: &str,
        partitions: i32,
        messages: u64,
        hang: Duration,
    ) -> Result<(), Failure> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("linger.ms", "0")
            .create()?;
        let keys = u64::from(self.keys);
        let hangs_at = START.as_secs() * self.rate / keys * keys;
        let start = Instant::now();
        for number in 0..messages {
            let due = Duration::from_secs_f64(number as f64 / self.rate as f64);
            while start.elapsed() < due {
                producer.poll(Duration::ZERO);
                std::thread::sleep(
                    (due.saturating_sub(start.elapsed())).min(Duration::from_millis(1)),
                );
            }
            let event = Event {
                key: (number % keys) as u32,
                sequence: number / keys + 1,
                sent: now(),
                hang_ms: if number == hangs_at {
                    hang.as_millis() as u64
                } else {
                    0
                },
            };
            let payload = serde_json::to_vec(&event)?;
            let key = event.key.to_be_bytes();
            let record = BaseRecord::to(topic)
                .key(&key)
                .payload(&payload)
                .partition(event.key as i32 % partitions);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(Duration::from_secs(30))?;
        Ok(())
    }
}
