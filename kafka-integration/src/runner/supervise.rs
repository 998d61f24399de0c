//! Keeps one consumer running: a thread for its client, started anew with a
//! growing delay when it fails.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::lanes::{Keep, Lanes};
use super::poll::{Limits, PollLoop};
use super::rebalance::{Failure, PollContext};
use super::routes::Routes;
use super::shared::Shared;
use super::status::Counters;
use crate::consumer::{ConsumerSpec, Ordering};
use crate::kafka::{ClientError, ErrorHandler, Kafka, KafkaError};
use crate::native::FetchWaker;
use crate::retry::RetryPolicy;
use crate::settings::ClientKind;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// A consumer that ran this long without failing starts with the first delay
/// again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How much longer than `shutdown_timeout` a thread may take to end: the last
/// commit, leaving the group, closing the client.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(15);

/// Everything a consumer needs, checked before any consumer starts.
pub(super) struct Plan {
    kafka: Kafka,
    spec: ConsumerSpec,
    config: ClientConfig,
    retry: RetryPolicy,
    ordering: Ordering,
    concurrency: usize,
    error_handler: Arc<dyn ErrorHandler>,
    counters: Arc<Counters>,
    drain_timeout: Duration,
    polling_frequency: Duration,
    commit_interval: Duration,
    shutdown_timeout: Duration,
    max_in_flight: usize,
    max_in_flight_bytes: usize,
    max_uncommitted: usize,
}

impl Plan {
    pub(super) fn new(
        kafka: &Kafka,
        spec: &ConsumerSpec,
        counters: Arc<Counters>,
    ) -> Result<Self, KafkaError> {
        let cluster = spec.cluster.as_deref();
        let settings = kafka.settings().cluster(cluster)?;
        let mut config = kafka.client_config(cluster, ClientKind::Consumer, &spec.config)?;
        config.set("group.id", &spec.group_id);
        let max_poll = config
            .get("max.poll.interval.ms")
            .and_then(|millis| millis.parse().ok())
            .map_or(Duration::from_secs(300), Duration::from_millis);
        Ok(Self {
            retry: spec.retry.clone().unwrap_or_else(|| settings.retry.clone()),
            ordering: spec.ordering.unwrap_or(settings.ordering),
            concurrency: spec.concurrency.unwrap_or(settings.concurrency).get(),
            error_handler: kafka.error_handler(&settings.error_handler)?,
            // The rebalance must be over before the group gives this member up.
            drain_timeout: settings.shutdown_timeout.min(max_poll / 2),
            polling_frequency: settings.polling_frequency,
            commit_interval: settings.commit_interval,
            shutdown_timeout: settings.shutdown_timeout,
            max_in_flight: settings.max_in_flight.get(),
            max_in_flight_bytes: settings.max_in_flight_bytes,
            max_uncommitted: settings.max_uncommitted.get(),
            kafka: kafka.clone(),
            spec: spec.clone(),
            config,
            counters,
        })
    }

    fn context(&self, runtime: Handle) -> PollContext {
        let shared = Shared::new(
            self.spec.name.as_str().into(),
            self.kafka.clone(),
            self.retry.clone(),
            runtime,
            Budget::new(self.max_in_flight, self.max_in_flight_bytes),
            Lanes::new(
                self.ordering,
                self.concurrency,
                Keep {
                    messages: self.max_in_flight,
                    bytes: self.max_in_flight_bytes,
                },
            ),
            Arc::clone(&self.counters),
        );
        PollContext::new(
            Arc::new(shared),
            Routes::of(&self.spec),
            Arc::clone(&self.error_handler),
            self.drain_timeout,
        )
    }

    fn limits(&self) -> Limits {
        Limits {
            polling_frequency: self.polling_frequency,
            commit_interval: self.commit_interval,
            shutdown_timeout: self.shutdown_timeout,
            max_in_flight: self.max_in_flight,
            max_in_flight_bytes: self.max_in_flight_bytes,
            max_uncommitted: self.max_uncommitted,
        }
    }
}

/// Runs a consumer until `stop`, or until its error handler ends it.
pub(super) async fn supervise(plan: Plan, stop: CancellationToken) -> Result<(), ClientError> {
    let plan = Arc::new(plan);
    let mut delay = FIRST_DELAY;
    loop {
        let started = Instant::now();
        let reason = match run_once(&plan, &stop).await {
            Ok(()) => return Ok(()),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Restart(reason)) => reason,
        };
        if stop.is_cancelled() {
            return Ok(());
        }
        if started.elapsed() >= HEALTHY_AFTER {
            delay = FIRST_DELAY;
        }
        plan.counters.restarted();
        tracing::error!(
            consumer = %plan.spec.name,
            restart_in_ms = delay.as_millis() as u64,
            "the consumer failed and will be started anew: {reason}"
        );
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(delay) => {}
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// What ends the poll thread's waits.
type Wake = Arc<Mutex<Option<(FetchWaker, Arc<Shared>)>>>;

async fn run_once(plan: &Arc<Plan>, stop: &CancellationToken) -> Result<(), Failure> {
    let (ended, mut end) = oneshot::channel();
    let wake = Wake::default();
    let closing = CancellationToken::new();
    let thread = std::thread::Builder::new().name(format!("kafka-{}", plan.spec.name));
    let spawned = thread.spawn({
        let (plan, stop, wake) = (Arc::clone(plan), stop.clone(), Arc::clone(&wake));
        let (closing, runtime) = (closing.clone(), Handle::current());
        move || {
            // Nothing the poll thread leaves half done outlives it: a restart
            // makes everything anew.
            let run = AssertUnwindSafe(|| poll_thread(&plan, stop, &closing, &wake, runtime));
            let result = std::panic::catch_unwind(run).unwrap_or_else(|_| {
                Err(Failure::Restart(
                    "its poll thread panicked; this is a bug of kafka-integration".to_owned(),
                ))
            });
            let _ = ended.send(result);
        }
    });
    if let Err(error) = spawned {
        return Err(Failure::Restart(format!(
            "cannot start its thread: {error}"
        )));
    }
    let gone = || Failure::Restart("its poll thread ended without a word".to_owned());
    tokio::select! {
        result = &mut end => return result.unwrap_or_else(|_| Err(gone())),
        () = stop.cancelled() => {}
        () = closing.cancelled() => {}
    }
    let patience = plan.shutdown_timeout + CLOSE_TIMEOUT;
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if let Some((fetch, shared)) = &*wake.lock() {
            fetch.wake();
            shared.budget.wake();
        }
        tokio::select! {
            result = &mut end => return result.unwrap_or_else(|_| Err(gone())),
            () = tokio::time::sleep_until(deadline) => {
                tracing::error!(
                    consumer = %plan.spec.name,
                    "the client could not be closed in time and is left behind"
                );
                return match stop.is_cancelled() {
                    true => Ok(()),
                    false => Err(Failure::Restart("its client could not be closed".to_owned())),
                };
            }
            // Once is enough but for a thread that is only just starting.
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

fn poll_thread(
    plan: &Plan,
    stop: CancellationToken,
    closing: &CancellationToken,
    wake: &Wake,
    runtime: Handle,
) -> Result<(), Failure> {
    let context = plan.context(runtime);
    let shared = Arc::clone(&context.shared);
    let poll = PollLoop::start(&plan.config, context, plan.limits(), stop)?;
    *wake.lock() = Some((poll.waker(), shared));
    poll.run(closing)
}
