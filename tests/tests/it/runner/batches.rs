//! Topics whose messages are handled together.

mod failures;
mod gathering;
mod order;
mod stops;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use kafka_integration::prelude::*;
use kafka_integration::producer::Record;
use kafka_integration_tests::{Probe, TestBroker, unique};
use serde_json::{Value, json};

type Hook = Box<dyn Fn(Batch<Stamps>, Context) -> BoxFuture<'static, Outcome> + Send + Sync>;
type Outcome = Result<(), BatchError>;

/// A topic whose name, policy and batch hook a test gives. A value may say when
/// it is due, in milliseconds after its record's timestamp, or that asking panics.
pub(crate) struct Stamps {
    name: String,
    policy: BatchPolicy,
    hook: Hook,
}

impl Stamps {
    fn new(
        name: &str,
        policy: BatchPolicy,
        hook: impl Fn(Batch<Self>, Context) -> BoxFuture<'static, Outcome> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            policy,
            hook: Box::new(hook),
        }
    }
}

impl Topic for Stamps {
    type Key = String;
    type Value = Value;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.name
    }

    fn batch(&self) -> BatchPolicy {
        self.policy.clone()
    }

    fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> {
        assert_ne!(message.value()["due"], json!("panic"), "asked for it");
        let created = message.timestamp()?.as_millis();
        let tolerance = message.value()["due"].as_i64()?;
        Some(Timestamp::from_millis(created + tolerance))
    }
}

impl Consume<Batch<Self>> for Stamps {
    async fn consume(&self, batch: Batch<Self>, cx: &Context) -> Outcome {
        (self.hook)(batch, cx.clone()).await
    }
}

/// The batches that were handled, each with its numbers and its time.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<Vec<Done>>>);

#[derive(Clone)]
struct Done {
    numbers: Vec<i64>,
    partitions: Vec<i32>,
    at: Timestamp,
}

impl Handled {
    fn note(&self, batch: &Batch<Stamps>) {
        self.0.lock().expect("not poisoned").push(Done {
            numbers: batch.iter().map(number).collect(),
            partitions: batch.iter().map(Message::partition).collect(),
            at: Timestamp::now(),
        });
    }

    fn batches(&self) -> Vec<Done> {
        self.0.lock().expect("not poisoned").clone()
    }

    /// All numbers, sorted.
    fn numbers(&self) -> Vec<i64> {
        let mut numbers: Vec<_> = self.batches().into_iter().flat_map(|b| b.numbers).collect();
        numbers.sort_unstable();
        numbers
    }

    /// A topic whose batches are noted.
    fn topic(&self, name: &str, policy: BatchPolicy) -> Stamps {
        let handled = self.clone();
        Stamps::new(name, policy, move |batch, _| {
            handled.note(&batch);
            Box::pin(async { Ok(()) })
        })
    }
}

fn number(message: &Message<Stamps>) -> i64 {
    message.value()["number"].as_i64().unwrap_or(-1)
}

fn policy(min: usize, max: usize, linger: Duration) -> BatchPolicy {
    BatchPolicy { min, max, linger }
}

const LONG: Duration = Duration::from_secs(3_600);

/// Produces numbered messages, spread over the partitions.
async fn produce(kafka: &Kafka, topic: &str, numbers: std::ops::Range<i64>) {
    let records = numbers.map(|number| {
        let value = OrTombstone::Value(json!({ "number": number }));
        Record::<Probe>::new(value).key(format!("k{}", number % 37))
    });
    let produced = Probe::produce_only(topic)
        .produce_batch(records)
        .on(kafka)
        .await;
    produced.expect("acknowledged");
}

async fn produce_due(kafka: &Kafka, topic: &str, number: i64, due: Value) -> Timestamp {
    let now = Timestamp::now();
    let value = json!({ "number": number, "due": due });
    Probe::produce_only(topic)
        .produce(OrTombstone::Value(value))
        .key(format!("k{number}"))
        .timestamp(now)
        .on(kafka)
        .await
        .expect("acknowledged");
    now
}

fn consumer(topic: Stamps) -> ConsumerSpec {
    ConsumerSpec::new("Stamping", unique("stamping"))
        .config("auto.offset.reset", "earliest")
        .topic(topic)
}
