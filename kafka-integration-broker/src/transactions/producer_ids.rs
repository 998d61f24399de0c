//! Producer ids: none is ever given twice.

use kafka_protocol::ResponseError;
use tokio::sync::{mpsc, oneshot};

use super::coordinator::Shared;
use crate::store::{Changes, RecordKind, Writer};

/// The stored record: the first id that was never reserved.
pub(super) const NEXT_PRODUCER_ID: &str = "producer.id.next";

/// Ids reserved by one write. A restart skips what is left of them.
const BLOCK: i64 = 1000;

/// The first id of all. Not 0: some clients claim id 0 and epoch 0 when they
/// have none, and must not be taken for its owner.
const FIRST: i64 = 1;

/// Gives out producer ids. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct ProducerIds {
    inbox: mpsc::Sender<oneshot::Sender<Result<i64, ResponseError>>>,
}

impl ProducerIds {
    /// Starts the task that gives out ids; `stored` is [`NEXT_PRODUCER_ID`]'s.
    pub(super) fn start(shared: &Shared, stored: Option<i64>) -> Self {
        let (inbox, mut asked) = mpsc::channel::<oneshot::Sender<_>>(64);
        let next = stored.unwrap_or(FIRST).max(FIRST);
        let mut block = Block {
            next,
            end: next,
            writer: shared.writer.clone(),
        };
        let stopping = shared.stopping.clone();
        shared.tasks.spawn(async move {
            loop {
                let reply = tokio::select! {
                    () = stopping.cancelled() => return,
                    reply = asked.recv() => reply,
                };
                let Some(reply) = reply else { return };
                // Who has left in the meantime lost nothing.
                let _ = reply.send(block.take().await);
            }
        });
        Self { inbox }
    }

    /// An id that nobody has had.
    ///
    /// # Errors
    /// None could be reserved; the producer may ask again.
    pub(super) async fn take(&self) -> Result<i64, ResponseError> {
        let (reply, answer) = oneshot::channel();
        let unavailable = ResponseError::CoordinatorLoadInProgress;
        self.inbox.send(reply).await.map_err(|_| unavailable)?;
        answer.await.map_err(|_| unavailable)?
    }
}

struct Block {
    next: i64,
    /// The first id that is not reserved.
    end: i64,
    writer: Writer,
}

impl Block {
    async fn take(&mut self) -> Result<i64, ResponseError> {
        if self.next == self.end {
            let end = self.end + BLOCK;
            let changes = Changes::new().put(
                RecordKind::Meta,
                NEXT_PRODUCER_ID,
                end.to_string().into_bytes(),
            );
            self.writer.apply(changes).await.map_err(|error| {
                tracing::warn!(%error, "no producer ids could be reserved");
                ResponseError::CoordinatorLoadInProgress
            })?;
            self.end = end;
        }
        let id = self.next;
        self.next += 1;
        Ok(id)
    }
}
