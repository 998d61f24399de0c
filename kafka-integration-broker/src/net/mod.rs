//! Connections.

mod authenticate;
mod connection;
#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::core::Core;

/// Accepts connections until the broker stops.
pub(crate) async fn accept(listener: TcpListener, core: Arc<Core>) {
    let room = Arc::new(Semaphore::new(core.options.max_connections));
    loop {
        let accepted = tokio::select! {
            () = core.stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly too many open files: accepting again at once would
                // only spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!(%peer, limit = core.options.max_connections, "too many connections: refused");
            continue;
        };
        let connection = connection::serve(stream, peer, Arc::clone(&core));
        core.tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }
}
