//! The answers that a connection owes.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::authenticate::Answered;
use crate::api::Stop;
use crate::core::Ahead;

/// Appends of one connection that are under way. Clients keep five at most.
const UNDER_WAY: usize = 5;

type Answering = Pin<Box<dyn Future<Output = Result<Answered, Stop>> + Send>>;

/// Answers that are still being found, in the order of their requests, and
/// where they go.
pub(super) struct Answers<W> {
    under_way: FuturesOrdered<Answering>,
    write: W,
    patience: Duration,
}

/// The connection ends.
pub(super) enum End {
    /// In order, or because nobody is there any more.
    Left,
    /// For this reason, which the log tells.
    Closed(String),
    /// When this is cancelled, or the peer has left: until then nothing is
    /// heard or said.
    Muted(CancellationToken),
}

impl<W: AsyncWrite + Unpin> Answers<W> {
    pub(super) fn new(write: W, patience: Duration) -> Self {
        Self {
            under_way: FuturesOrdered::new(),
            write,
            patience,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(super) fn push(
        &mut self,
        answering: impl Future<Output = Result<Answered, Stop>> + Send + 'static,
    ) {
        self.under_way.push_back(Box::pin(answering));
    }

    /// Waits for the answer to the oldest request, which is then to be sent.
    /// Waits for ever when there is none. Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> Result<Answered, Stop> {
        match self.under_way.next().await {
            Some(answered) => answered,
            None => std::future::pending().await,
        }
    }

    async fn send_next(&mut self) -> Result<(), End> {
        let answered = self.next().await;
        self.send(answered).await
    }

    /// Sends every answer.
    pub(super) async fn send_all(&mut self) -> Result<(), End> {
        while !self.is_empty() {
            self.send_next().await?;
        }
        Ok(())
    }

    /// Sends answers until the newest request is handed over to the writer, so
    /// that the next one can't overtake it, and there is room for the next.
    pub(super) async fn until_handed_over(&mut self, ahead: &Ahead) -> Result<(), End> {
        while !self.is_empty() {
            // Only waiting may be dropped; half an answer must not be sent.
            let answered = tokio::select! {
                biased;
                () = ahead.given() => break,
                answered = self.next() => answered,
            };
            self.send(answered).await?;
        }
        while self.under_way.len() >= UNDER_WAY {
            self.send_next().await?;
        }
        Ok(())
    }

    pub(super) async fn send(&mut self, answered: Result<Answered, Stop>) -> Result<(), End> {
        let answered = match answered {
            Ok(answered) => answered,
            Err(Stop::Silent) => return Ok(()),
            Err(Stop::Close(reason)) => return Err(End::Closed(reason)),
            Err(Stop::Mute(until)) => return Err(End::Muted(until)),
        };
        match timeout(self.patience, write(&mut self.write, answered.response)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a response could not be sent");
                return Err(End::Left);
            }
            Err(_) => return Err(End::Closed("the peer does not read its responses".into())),
        }
        drop(answered.share);
        match answered.close {
            Some(reason) => Err(End::Closed(reason)),
            None => Ok(()),
        }
    }
}

async fn write(write: &mut (impl AsyncWrite + Unpin), response: BytesMut) -> io::Result<()> {
    let size = i32::try_from(response.len()).map_err(io::Error::other)?;
    let size = size.to_be_bytes();
    let mut whole = size[..].chain(&response[..]);
    write.write_all_buf(&mut whole).await?;
    write.flush().await
}
