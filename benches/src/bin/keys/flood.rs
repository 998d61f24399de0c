use std::num::NonZeroUsize;

use clap::Args;
use kafka_integration::prelude::Ordering;
use kafka_integration_benches::{Failure, Topics, child};

use crate::Event;
use crate::consumer::{Found, Phase};

#[derive(Args)]
pub(crate) struct Flood {
    /// Messages.
    #[arg(long, default_value_t = 500_000)]
    messages: u64,
    /// Keys, and handlers at a time.
    #[arg(long, default_value_t = 1_000)]
    keys: u32,
    /// How long a handler takes.
    #[arg(long, default_value_t = 10)]
    handler_ms: u64,
    /// Partitions; one run for each.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    partitions: Vec<i32>,
    /// Rounds.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Wait by a timer of our own instead of tokio's.
    #[arg(long)]
    exact: bool,
    /// The setting; the framework's default unless given.
    #[arg(long)]
    max_in_flight: Option<NonZeroUsize>,
}

impl Flood {
    pub(crate) async fn run(&self, bootstrap: &str) -> Result<(), Failure> {
        let ideal = f64::from(self.keys) * 1_000.0 / self.handler_ms as f64;
        for &partitions in &self.partitions {
            let topic = format!("bench-flood-{}-{partitions}", self.messages);
            self.fill(bootstrap, &topic, partitions).await?;
            for round in 1..=self.rounds {
                for ordering in [Ordering::Key, Ordering::None] {
                    let mut running = child::start(&Phase {
                        bootstrap: bootstrap.to_owned(),
                        topic: topic.clone(),
                        messages: self.messages,
                        keys: self.keys,
                        ordering,
                        concurrency: self.keys as usize,
                        handler_ms: self.handler_ms,
                        exact: self.exact,
                        max_in_flight: self.max_in_flight,
                        latency_from: u64::MAX,
                    })?;
                    running.wait_ready()?;
                    let found: Found = running.result()?;
                    println!(
                        "flood, {partitions} partitions, order {ordering:<5} round {round} {}  \
                         {:.1} % of the ideal {ideal:.0}/s, {} pauses",
                        found.cost,
                        100.0 * found.cost.rate / ideal,
                        found.pauses
                    );
                }
            }
        }
        Ok(())
    }

    /// Every thousand messages have each key once, in an order of their own, so
    /// that no key is left with more than the others at the end.
    async fn fill(&self, bootstrap: &str, topic: &str, partitions: i32) -> Result<(), Failure> {
        let mut order: Vec<u32> = (0..self.keys).collect();
        let mut random = crate::zipf::Random::default();
        let keys = u64::from(self.keys);
        Topics::at(bootstrap)
            .filled(topic, partitions, self.messages, |number, message| {
                let place = (number % keys) as usize;
                let other = place + (random.unit() * (order.len() - place) as f64) as usize;
                order.swap(place, other);
                let event = Event {
                    key: order[place],
                    sequence: number / keys + 1,
                    sent: 0,
                    hang_ms: 0,
                };
                message.partition = Some(event.key as i32 % partitions);
                message.key.extend_from_slice(&event.key.to_be_bytes());
                serde_json::to_writer(&mut message.payload, &event)?;
                Ok(())
            })
            .await
    }
}
