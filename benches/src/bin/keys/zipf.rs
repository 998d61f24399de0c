use clap::Args;
use kafka_integration::prelude::Ordering;
use kafka_integration_benches::{Failure, Topics, child};

use crate::Event;
use crate::consumer::{Found, Phase};

#[derive(Args)]
pub(crate) struct Zipf {
    /// Messages.
    #[arg(long, default_value_t = 50_000)]
    messages: u64,
    /// Keys, and handlers at a time.
    #[arg(long, default_value_t = 1_000)]
    keys: u32,
    /// The n-th key has a share in proportion to 1 / n to this power.
    #[arg(long, default_value_t = 1.0)]
    exponent: f64,
    /// How long a handler takes.
    #[arg(long, default_value_t = 10)]
    handler_ms: u64,
    /// Partitions; one run for each.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    partitions: Vec<i32>,
    /// Wait by tokio's timer instead of one of our own.
    #[arg(long)]
    tokio: bool,
}

impl Zipf {
    pub(crate) async fn run(&self, bootstrap: &str) -> Result<(), Failure> {
        let keys = self.draw();
        let mut counts = vec![0_u64; self.keys as usize];
        for key in &keys {
            counts[*key as usize] += 1;
        }
        let hottest = counts.iter().copied().max().unwrap_or(0);
        let needs = hottest as f64 * self.handler_ms as f64 / 1e3;
        let ideal = self.messages as f64 / needs;
        println!("zipf: the hottest key has {hottest} messages and needs {needs:.1} s");
        for &partitions in &self.partitions {
            let topic = format!(
                "bench-zipf-{}-{}-{partitions}",
                self.messages, self.exponent
            );
            let mut sequences = vec![0; self.keys as usize];
            Topics::at(bootstrap)
                .filled(&topic, partitions, self.messages, |number, message| {
                    let key = keys[number as usize];
                    sequences[key as usize] += 1;
                    let event = Event {
                        key,
                        sequence: sequences[key as usize],
                        sent: 0,
                        hang_ms: 0,
                    };
                    message.partition = Some(key as i32 % partitions);
                    message.key.extend_from_slice(&key.to_be_bytes());
                    serde_json::to_writer(&mut message.payload, &event)?;
                    Ok(())
                })
                .await?;
            let mut running = child::start(&Phase {
                bootstrap: bootstrap.to_owned(),
                topic,
                messages: self.messages,
                keys: self.keys,
                ordering: Ordering::Key,
                concurrency: self.keys as usize,
                handler_ms: self.handler_ms,
                exact: !self.tokio,
                max_in_flight: None,
                latency_from: u64::MAX,
            })?;
            running.wait_ready()?;
            let found: Found = running.result()?;
            let took = self.messages as f64 / found.cost.rate;
            println!(
                "zipf, {partitions} partitions {}  {:.1} % of the ideal {ideal:.0}/s, {:.1} % of \
                 what the handlers of the hottest key took",
                found.cost,
                100.0 * found.cost.rate / ideal,
                100.0 * found.busiest_seconds / took,
            );
        }
        Ok(())
    }

    /// The keys of all messages, the same in every run.
    fn draw(&self) -> Vec<u32> {
        let mut total = 0.0;
        let steps: Vec<f64> = (1..=self.keys)
            .map(|rank| {
                total += f64::from(rank).powf(-self.exponent);
                total
            })
            .collect();
        let mut random = Random::default();
        (0..self.messages)
            .map(|_| {
                let at = random.unit() * total;
                steps.partition_point(|step| *step < at) as u32
            })
            .collect()
    }
}

/// A seeded sequence of numbers.
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x2545_f491_4f6c_dd1d)
    }
}

impl Random {
    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
