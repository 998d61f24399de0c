use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Those who wait for something to happen to one partition.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<Vec<Weak<Notify>>>,
}

/// Somebody who waits, on any number of partitions. Dropping it ends the wait.
#[derive(Debug, Default, Clone)]
pub(crate) struct Waiter {
    notify: Arc<Notify>,
}

impl Waiter {
    /// Waits until one of the partitions had something happen since the waiter
    /// was registered there, or since the last return of this method.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Waiters {
    /// Registers `waiter`. It must be registered before the partition is read,
    /// or what happens between the two is missed.
    pub(crate) fn register(&self, waiter: &Waiter) {
        let mut waiting = self.waiting.lock();
        // Those who left are swept out when the list would grow.
        if waiting.len() == waiting.capacity() {
            waiting.retain(|other| other.strong_count() > 0);
        }
        waiting.push(Arc::downgrade(&waiter.notify));
    }

    /// Wakes everybody who waits. They stay registered until dropped.
    pub(crate) fn wake(&self) {
        self.waiting.lock().retain(|waiter| match waiter.upgrade() {
            Some(notify) => {
                notify.notify_one();
                true
            }
            None => false,
        });
    }
}
