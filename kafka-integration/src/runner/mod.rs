//! The engine: one poll thread per consumer, lanes, the offset watermark,
//! rebalance and drain.
//!
#![doc = include_str!("../docs/runner.md")]

mod assignment;
mod batch_turn;
pub(crate) mod batches;
mod budget;
mod context;
mod failing;
pub(crate) mod handler;
mod lanes;
mod moves;
mod parked;
mod partition;
mod past;
mod pauses;
mod plan;
mod poll;
mod queue_turns;
mod raw;
mod rebalance;
mod resume;
mod retry_side;
mod routes;
mod rules;
mod shared;
mod status;
mod supervise;
mod sweep;
mod tracker;
mod turn;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use context::Context;
pub(crate) use past::Past;
pub use status::{ConsumerStatus, StatusHandle, Stopped};

use self::plan::Plan;
use self::retry_side::supervise_retry;
use self::routes::Role;
use self::status::Counters;
use self::supervise::supervise;
use crate::consumer::{Registry, RegistryError};
use crate::kafka::{Kafka, KafkaError};
use crate::settings::ClusterSettings;

pub use crate::kafka::{ClientError, ErrorAction, ErrorHandler, LogErrors};

/// What producers get to flush even when draining took all the time.
const LAST_FLUSH: Duration = Duration::from_secs(1);

/// Runs the consumers of a registry, side by side.
///
/// ```no_run
/// # use kafka_integration::prelude::*;
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let kafka = Kafka::builder().build()?;
/// let runner = Runner::new(kafka, Registry::linked());
/// runner.run(async { let _ = tokio::signal::ctrl_c().await; }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Runner {
    kafka: Kafka,
    registry: Registry,
    sides: Vec<Sides>,
}

/// A consumer, and what consumes its retry topics.
#[derive(Debug)]
struct Sides {
    source: Arc<Counters>,
    retry: Arc<Counters>,
}

/// Why the consumers could not run, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The consumers can't run together; nothing was started.
    #[error("the consumers can't run together:{}", lines(.0))]
    Registry(Vec<RegistryError>),
    /// Settings are refused; nothing was started.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Consumers ended with an error; the others drained.
    #[error("consumers ended with an error:{}", lines(.0))]
    Failed(Vec<ClientError>),
}

fn lines<E: std::fmt::Display>(errors: &[E]) -> String {
    errors
        .iter()
        .map(|error| format!("\n  - {error}"))
        .collect()
}

impl Runner {
    /// Of the consumers of that registry. Nothing starts yet.
    pub fn new(kafka: Kafka, registry: Registry) -> Self {
        let sides = registry.consumers().iter().map(|spec| {
            let source = Counters::new(&spec.name, &spec.group_id);
            source.activate();
            let settings = kafka.settings().cluster(spec.cluster.as_deref());
            let names = settings
                .map(ClusterSettings::topic_names)
                .unwrap_or_default();
            let group = names.retry_group(&spec.group_id);
            let retry = Counters::new(&format!("{}.{}", spec.name, names.retry_suffix), &group);
            Sides {
                source: Arc::new(source),
                retry: Arc::new(retry),
            }
        });
        let sides = sides.collect();
        Self {
            kafka,
            registry,
            sides,
        }
    }

    /// A view of the consumers, before, while and after they run.
    pub fn status(&self) -> StatusHandle {
        let both = |sides: &Sides| [Arc::clone(&sides.source), Arc::clone(&sides.retry)];
        StatusHandle::new(self.sides.iter().flat_map(both).collect())
    }

    /// Runs all consumers until `shutdown` resolves; then stops fetching,
    /// finishes what is in flight within `shutdown_timeout`, commits, leaves the
    /// groups and flushes the producers.
    ///
    /// A consumer that fails is started anew, with a delay that grows from 1 s
    /// to 60 s, while the others go on. A consumer whose error handler ends it
    /// has the others drain and end too.
    ///
    /// # Errors
    /// When the consumers can't be started together (nothing was started then),
    /// or when one was ended by its error handler.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        self.registry.validate().map_err(RunError::Registry)?;
        let mut plans = Vec::with_capacity(self.sides.len());
        let mut retry_plans = Vec::with_capacity(self.sides.len());
        for (spec, sides) in self.registry.consumers().iter().zip(&self.sides) {
            self.kafka.prepare_topics(spec).await?;
            let plan = |role, counters| Plan::new(&self.kafka, spec, role, Arc::clone(counters));
            plans.push(plan(Role::Source, &sides.source)?);
            retry_plans.push(plan(Role::Retry, &sides.retry)?);
        }
        let stop = CancellationToken::new();
        // Also when this future is dropped: the poll threads must not go on.
        let _stop_at_the_end = stop.clone().drop_guard();
        let mut consumers: JoinSet<_> = plans
            .into_iter()
            .map(|plan| supervise(plan, stop.clone()))
            .collect();
        for plan in retry_plans {
            consumers.spawn(supervise_retry(plan, stop.clone()));
        }
        let mut failures = Vec::new();
        tokio::pin!(shutdown);
        let mut stopping = None;
        loop {
            tokio::select! {
                () = &mut shutdown, if stopping.is_none() => {
                    stopping = Some(Instant::now());
                    stop.cancel();
                }
                ended = consumers.join_next() => match ended {
                    None => break,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => {
                        failures.push(error);
                        stopping.get_or_insert_with(Instant::now);
                        stop.cancel();
                    }
                    Some(Err(error)) => tracing::error!(%error, "a consumer's task ended"),
                },
            }
        }
        self.flush(stopping).await;
        if failures.is_empty() {
            Ok(())
        } else {
            Err(RunError::Failed(failures))
        }
    }

    /// What the handlers produced without waiting goes out, in what is left of
    /// the time.
    async fn flush(&self, stopping: Option<Instant>) {
        let timeout = self.kafka.settings().cluster.shutdown_timeout;
        let left = stopping.map_or(timeout, |since| timeout.saturating_sub(since.elapsed()));
        // What could not be delivered is counted in the log.
        self.kafka.flush(left.max(LAST_FLUSH)).await;
    }
}
