//! Ten milliseconds.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kafka_integration_benches::Failure;
use tokio::sync::oneshot;

/// How a handler waits.
pub(crate) enum Wait {
    /// `tokio::time::sleep`, which is a millisecond longer: its clock ticks by
    /// the millisecond, and a sleep that begins just after a tick ends with the
    /// one after its time.
    Tokio(Duration),
    /// By a thread that wakes whoever is due.
    Exact {
        duration: Duration,
        due: mpsc::Sender<(Instant, oneshot::Sender<()>)>,
    },
}

impl Wait {
    /// Of that length each.
    pub(crate) fn new(duration: Duration, exact: bool) -> Result<Self, Failure> {
        if !exact {
            return Ok(Self::Tokio(duration));
        }
        let (due, queue) = mpsc::channel::<(Instant, oneshot::Sender<()>)>();
        thread::Builder::new()
            .name("timer".to_owned())
            .spawn(move || {
                // All waits are of one length, so the first in line is due first.
                for (due, waiter) in queue {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let _ = waiter.send(());
                }
            })?;
        Ok(Self::Exact { duration, due })
    }

    pub(crate) async fn once(&self) {
        match self {
            Self::Tokio(duration) => tokio::time::sleep(*duration).await,
            Self::Exact { duration, due } => {
                let (waiter, woken) = oneshot::channel();
                let _ = due.send((Instant::now() + *duration, waiter));
                let _ = woken.await;
            }
        }
    }
}
