//! The process that is measured: one consumer whose handlers wait and check the
//! order.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering as Atomic};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;
use kafka_integration_benches::{Cost, Failure, Progress, child, sorted};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::Event;
use crate::wait::Wait;

/// What the process is told.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Phase {
    pub(crate) bootstrap: String,
    pub(crate) topic: String,
    pub(crate) messages: u64,
    pub(crate) keys: u32,
    pub(crate) ordering: Ordering,
    pub(crate) concurrency: usize,
    pub(crate) handler_ms: u64,
    pub(crate) exact: bool,
    /// The framework's own unless given.
    pub(crate) max_in_flight: Option<NonZeroUsize>,
    /// Messages sent before that are not part of the latencies; nanoseconds
    /// since 1970.
    pub(crate) latency_from: u64,
}

/// What it found.
#[derive(Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) cost: Cost,
    pub(crate) seconds: f64,
    /// The time that the handlers of one key took together, of the key where it
    /// is the most.
    pub(crate) busiest_seconds: f64,
    /// From sent to finished, in milliseconds, without the key that hangs.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    /// How often a partition was paused.
    pub(crate) pauses: u64,
}

struct Keyed {
    topic: String,
}

impl Topic for Keyed {
    type Key = u32;
    type Value = Event;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }
}

/// One key's.
#[derive(Default)]
struct KeyState {
    last: AtomicU64,
    running: AtomicBool,
    hung: AtomicBool,
    nanos: AtomicU64,
}

struct Handling {
    wait: Wait,
    ordered: bool,
    latency_from: u64,
    keys: Vec<KeyState>,
    latencies: Mutex<Vec<f64>>,
    progress: Progress,
}

/// A handler that panicked would be tried again: this ends the benchmark.
fn out_of_order(what: &str, event: &Event, last: u64) -> ! {
    eprintln!("{what}: {event:?} after {last}");
    std::process::exit(3);
}

impl Handling {
    fn begin(&self, event: &Event) {
        let Some(key) = self.keys.get(event.key as usize) else {
            return;
        };
        if key.running.swap(true, Atomic::AcqRel) && self.ordered {
            out_of_order("two of a key at a time", event, 0);
        }
        let last = key.last.swap(event.sequence, Atomic::AcqRel);
        if self.ordered && event.sequence != last + 1 {
            out_of_order("an inversion", event, last);
        }
    }

    fn end(&self, event: &Event, start: Instant) {
        let Some(key) = self.keys.get(event.key as usize) else {
            return;
        };
        let nanos = start.elapsed().as_nanos() as u64;
        key.nanos.fetch_add(nanos, Atomic::AcqRel);
        key.running.store(false, Atomic::Release);
        if event.hang_ms > 0 {
            key.hung.store(true, Atomic::Release);
        }
        if event.sent >= self.latency_from && !key.hung.load(Atomic::Acquire) {
            let millis = now().saturating_sub(event.sent) as f64 / 1e6;
            let latencies = self.latencies.lock();
            latencies
                .unwrap_or_else(PoisonError::into_inner)
                .push(millis);
        }
        self.progress.one();
    }
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_nanos() as u64
}

impl Consume for Keyed {
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        let handling = cx.state::<Handling>()?;
        let event = message.value();
        let start = Instant::now();
        handling.begin(event);
        if event.hang_ms > 0 {
            tokio::time::sleep(Duration::from_millis(event.hang_ms)).await;
        }
        handling.wait.once().await;
        handling.end(event, start);
        Ok(())
    }
}

pub(crate) async fn consume(phase: Phase) -> Result<Found, Failure> {
    let (progress, done) = Progress::of(phase.messages);
    let handling = Handling {
        wait: Wait::new(Duration::from_millis(phase.handler_ms), phase.exact)?,
        ordered: phase.ordering == Ordering::Key,
        latency_from: phase.latency_from,
        keys: (0..phase.keys).map(|_| KeyState::default()).collect(),
        latencies: Mutex::default(),
        progress,
    };
    let mut settings = Settings::with_bootstrap_servers(&phase.bootstrap);
    if let Some(max_in_flight) = phase.max_in_flight {
        settings.cluster.max_in_flight = max_in_flight;
    }
    let kafka = Kafka::builder()
        .settings(settings)
        .state(handling)
        .build()?;
    let group = format!("{}-{}", phase.topic, std::process::id());
    let mut registry = Registry::new();
    registry.add(
        ConsumerSpec::new("Keys", group)
            .topic(Keyed { topic: phase.topic })
            .ordering(phase.ordering)
            .concurrency(phase.concurrency),
    );
    let runner = Runner::new(kafka.clone(), registry);
    let status = runner.status();
    let pauses = status.clone();
    let (ended, end) = oneshot::channel();
    let start = Instant::now();
    runner
        .run(async move {
            while status.consumers().iter().all(|c| c.partitions == 0) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let _ = child::ready();
            let _ = ended.send(done.await);
        })
        .await?;
    let cost = end.await??;
    let handling = kafka.state::<Handling>()?;
    let busiest = handling
        .keys
        .iter()
        .map(|key| key.nanos.load(Atomic::Acquire));
    let latencies = handling.latencies.lock();
    let latencies = sorted(latencies.unwrap_or_else(PoisonError::into_inner).drain(..));
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies.get(index).copied().unwrap_or(0.0)
    };
    Ok(Found {
        cost,
        seconds: start.elapsed().as_secs_f64(),
        busiest_seconds: busiest.max().unwrap_or(0) as f64 / 1e9,
        p50: at(0.5),
        p99: at(0.99),
        max: latencies.last().copied().unwrap_or(0.0),
        pauses: pauses.consumers().iter().map(|c| c.pauses).sum(),
    })
}
