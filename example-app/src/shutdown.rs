//! What ends the process.

use kafka_integration::Kafka;
use kafka_integration::management::{self, CommandError};
use tokio_util::sync::CancellationToken;

/// A token that the first SIGTERM or SIGINT cancels. The second one ends the
/// process on the spot.
///
/// # Errors
/// When the system gives no signal handler.
pub(crate) fn on_signal() -> Result<CancellationToken, CommandError> {
    let signal = management::shutdown_signal()?;
    let stop = CancellationToken::new();
    let first = stop.clone();
    tokio::spawn(async move {
        signal.await;
        first.cancel();
    });
    Ok(stop)
}

/// Ends producing, once nothing produces any more.
pub(crate) async fn flush(kafka: &Kafka) {
    let timeout = kafka.settings().cluster.shutdown_timeout;
    // What it could not deliver it has logged, and told those who wait for it.
    let _ = kafka.shutdown(timeout).await;
}
