use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::{Cost, cpu_time};

/// Counts the messages that handlers finish, and measures from the first to the
/// last. The CPU is that of the whole process until then.
#[derive(Debug)]
pub struct Progress {
    messages: u64,
    finished: AtomicU64,
    first: OnceLock<Instant>,
    done: Mutex<Option<oneshot::Sender<Cost>>>,
}

impl Progress {
    /// Of so many messages; the receiver gets what they cost.
    pub fn of(messages: u64) -> (Self, oneshot::Receiver<Cost>) {
        let (done, cost) = oneshot::channel();
        let progress = Self {
            messages,
            finished: AtomicU64::new(0),
            first: OnceLock::new(),
            done: Mutex::new(Some(done)),
        };
        (progress, cost)
    }

    /// Whether the last message is finished.
    pub fn is_complete(&self) -> bool {
        self.finished.load(Ordering::Relaxed) == self.messages
    }

    /// Another message is finished.
    pub fn one(&self) {
        let before = self.finished.fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            let _ = self.first.set(Instant::now());
        }
        if before + 1 == self.messages {
            let start = self.first.get().copied().unwrap_or_else(Instant::now);
            let cost = Cost::of(self.messages, start.elapsed(), cpu_time());
            let done = self
                .done
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(done) = done {
                let _ = done.send(cost);
            }
        }
    }
}
