//! What ends the process.

use kafka_integration::Kafka;
use tokio_util::sync::CancellationToken;

/// The exit code of a process that a second signal aborts.
const ABORTED: i32 = 130;

/// A token that the first SIGTERM or SIGINT cancels. The second one ends the
/// process on the spot.
///
/// # Errors
/// When the system gives no signal handler.
pub(crate) fn on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut signals = Signals::new()?;
    let first = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping; a second signal aborts");
        first.cancel();
        signals.next().await;
        tracing::warn!("aborted");
        std::process::exit(ABORTED);
    });
    Ok(stop)
}

/// Ends producing, once nothing produces any more.
pub(crate) async fn flush(kafka: &Kafka) {
    let timeout = kafka.settings().cluster.shutdown_timeout;
    // What it could not deliver it has logged, and told those who wait for it.
    let _ = kafka.shutdown(timeout).await;
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a handler there is nothing to wait for but the system.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
