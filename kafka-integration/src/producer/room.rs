use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};

/// Where senders wait while the client's queue is full: in the order they
/// came, woken by delivery reports.
pub(crate) struct Room {
    waiting: AtomicUsize,
    /// Only the first in the row looks for room.
    turn: Semaphore,
    made: Notify,
}

/// Counts a sender as waiting, also when its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            waiting: AtomicUsize::new(0),
            turn: Semaphore::new(1),
            made: Notify::new(),
        }
    }

    /// Whether others wait already, so that a newcomer has to get in line.
    pub(crate) fn has_queue(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// There may be room now.
    pub(crate) fn made(&self) {
        if self.has_queue() {
            self.made.notify_one();
        }
    }

    /// Waits for its turn and then for room: tries until the answer is not
    /// `None`.
    pub(crate) async fn wait<R>(&self, mut try_it: impl FnMut() -> Option<R>) -> R {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        // Never closed; were it, everybody would just try at once.
        let _turn = self.turn.acquire().await.ok();
        loop {
            if let Some(result) = try_it() {
                return result;
            }
            // A permit that came between the try and here is kept.
            self.made.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[tokio::test]
    async fn room_made_between_the_try_and_the_wait_is_seen() {
        let room = Room::new();
        let mut tries = 0;
        let result = room
            .wait(|| {
                tries += 1;
                if tries == 1 {
                    room.made();
                    return None;
                }
                Some(tries)
            })
            .await;
        assert_eq!(result, 2);
        assert!(!room.has_queue());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everybody_gets_in_when_places_come_one_by_one() {
        let room = Arc::new(Room::new());
        let places = Arc::new(AtomicI64::new(0));
        let senders: Vec<_> = (0..50)
            .map(|_| {
                let (room, places) = (room.clone(), places.clone());
                tokio::spawn(async move {
                    room.wait(|| {
                        places
                            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
                                (n > 0).then(|| n - 1)
                            })
                            .ok()
                    })
                    .await;
                })
            })
            .collect();
        for _ in 0..50 {
            places.fetch_add(1, Ordering::SeqCst);
            room.made();
            tokio::task::yield_now().await;
        }
        for sender in senders {
            sender.await.expect("sender");
        }
        assert!(!room.has_queue());
    }
}
