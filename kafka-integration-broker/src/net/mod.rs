//! Connections.

mod answers;
mod authenticate;
mod connection;
#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::core::Core;

/// What lets clients in; it can be closed without stopping the broker.
#[derive(Debug)]
pub(crate) struct Door {
    closed: CancellationToken,
    /// The listener and the connections.
    tasks: TaskTracker,
}

impl Door {
    /// Serves those who connect, until the door is closed or the broker stops.
    pub(crate) fn open(listener: TcpListener, core: &Arc<Core>) -> Self {
        let door = Self {
            closed: core.stopping.child_token(),
            tasks: TaskTracker::new(),
        };
        let (closed, tasks) = (door.closed.clone(), door.tasks.clone());
        let accept = accept(listener, Arc::clone(core), closed, tasks);
        core.tasks.spawn(door.tasks.track_future(accept));
        door
    }

    /// Closes the listener and every connection, and waits until they are.
    pub(crate) async fn close(self) {
        self.closed.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(
    listener: TcpListener,
    core: Arc<Core>,
    closed: CancellationToken,
    tasks: TaskTracker,
) {
    let room = Arc::new(Semaphore::new(core.options.max_connections));
    loop {
        let accepted = tokio::select! {
            () = closed.cancelled() => return,
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
        let connection = connection::serve(stream, peer, Arc::clone(&core), closed.clone());
        core.tasks.spawn(tasks.track_future(async move {
            connection.await;
            drop(place);
        }));
    }
}
