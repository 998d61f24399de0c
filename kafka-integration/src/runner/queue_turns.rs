//! Who is next: things that are done side by side begin in the order in which they
//! were announced.

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Hands out turns.
#[derive(Default)]
pub(super) struct QueueTurns(Mutex<Option<oneshot::Receiver<()>>>);

/// A place in the queue. The next one's turn comes when this is dropped.
pub(super) struct QueueTurn {
    before: Option<oneshot::Receiver<()>>,
    _after: oneshot::Sender<()>,
}

impl QueueTurns {
    /// The next place.
    pub(super) fn announce(&self) -> QueueTurn {
        let (after, next) = oneshot::channel();
        QueueTurn {
            before: self.0.lock().replace(next),
            _after: after,
        }
    }
}

impl QueueTurn {
    /// Waits until everybody before is through.
    pub(super) async fn come(&mut self) {
        if let Some(before) = &mut self.before {
            // Nothing is ever sent: the end of the other side is the sign.
            let _ = before.await;
            self.before = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_the_order_of_their_announcement() {
        let turns = QueueTurns::default();
        let (mut first, mut second, third) = (turns.announce(), turns.announce(), turns.announce());
        first.come().await;
        {
            let waiting = std::pin::pin!(second.come());
            assert!(futures_util::poll!(waiting).is_pending());
        }
        drop(third);
        drop(first);
        second.come().await;
        drop(second);
        turns.announce().come().await;
    }
}
