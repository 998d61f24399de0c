//! Keeps one consumer running: a thread for its client, started anew with a
//! growing delay when it fails.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use super::poll::PollLoop;
use super::rebalance::Failure;
use super::shared::Shared;
use crate::kafka::ClientError;
use crate::native::FetchWaker;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// A consumer that ran this long without failing starts with the first delay
/// again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How much longer than `shutdown_timeout` a thread may take to end: the last
/// commit, leaving the group, closing the client.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(15);

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
        plan.counters().restarted();
        tracing::error!(
            consumer = %plan.name(),
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
    let thread = std::thread::Builder::new().name(format!("kafka-{}", plan.name()));
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
    let patience = plan.shutdown_timeout() + CLOSE_TIMEOUT;
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
                    consumer = %plan.name(),
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
    let poll = PollLoop::start(plan.config(), context, plan.limits(), stop)?;
    *wake.lock() = Some((poll.waker(), shared));
    poll.run(closing)
}
