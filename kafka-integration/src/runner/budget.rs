//! How much a consumer has taken from the client and not finished: the bound on
//! its memory.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// Counts messages and bytes in flight against their limits, and wakes the poll
/// thread when there is room again.
#[derive(Debug)]
pub(super) struct Budget {
    max_messages: usize,
    max_bytes: usize,
    messages: AtomicUsize,
    bytes: AtomicUsize,
    waiting: AtomicBool,
    poll_thread: OnceLock<Thread>,
}

impl Budget {
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            max_messages: max_messages.max(1),
            max_bytes: max_bytes.max(1),
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            waiting: AtomicBool::new(false),
            poll_thread: OnceLock::new(),
        }
    }

    /// Makes the calling thread the one that waits for room.
    pub(super) fn attach(&self) {
        let _ = self.poll_thread.set(std::thread::current());
    }

    pub(super) fn messages(&self) -> usize {
        self.messages.load(Ordering::Acquire)
    }

    /// How many more messages may be taken now, none while it is only a handful.
    /// The bytes of a message are only known once it is taken, so the byte limit
    /// may be passed by one batch.
    pub(super) fn room(&self) -> usize {
        let any = self.any_room();
        // Taking a handful at a time would cost a call each; wait for an eighth.
        let worthwhile = (self.max_messages / 8).clamp(1, 128);
        if any < worthwhile { 0 } else { any }
    }

    /// The same, down to a single message: for when the rest is held by lanes
    /// that stand still.
    pub(super) fn any_room(&self) -> usize {
        if self.bytes.load(Ordering::Acquire) >= self.max_bytes {
            return 0;
        }
        self.max_messages.saturating_sub(self.messages())
    }

    pub(super) fn take(&self, messages: usize, bytes: usize) {
        self.messages.fetch_add(messages, Ordering::AcqRel);
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn release(&self, messages: usize, bytes: usize) {
        self.messages.fetch_sub(messages, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        if self.waiting.load(Ordering::SeqCst)
            && self.room() > 0
            && self.waiting.swap(false, Ordering::SeqCst)
        {
            self.wake();
        }
    }

    /// Ends a wait early.
    pub(super) fn wake(&self) {
        if let Some(thread) = self.poll_thread.get() {
            thread.unpark();
        }
    }

    /// Blocks the poll thread until there is room, [`wake`](Self::wake) is
    /// called, or `timeout` is over.
    pub(super) fn wait(&self, timeout: Duration) {
        self.waiting.store(true, Ordering::SeqCst);
        if self.room() == 0 {
            std::thread::park_timeout(timeout);
        }
        self.waiting.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_limit_ends_the_room() {
        let budget = Budget::new(8, 100);
        budget.take(7, 50);
        assert_eq!(budget.room(), 1);
        budget.take(1, 10);
        assert_eq!(budget.room(), 0);
        budget.release(4, 10);
        assert_eq!(budget.room(), 4);
        budget.take(1, 60);
        assert_eq!(budget.room(), 0, "bytes are over");
    }

    #[test]
    fn a_release_wakes_the_waiting_thread() {
        let budget = std::sync::Arc::new(Budget::new(1, 100));
        budget.take(1, 1);
        let waiter = std::thread::spawn({
            let budget = budget.clone();
            move || {
                budget.attach();
                while budget.room() == 0 {
                    budget.wait(Duration::from_secs(60));
                }
            }
        });
        while !budget.waiting.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        budget.release(1, 1);
        waiter.join().expect("woken long before its timeout");
    }
}
