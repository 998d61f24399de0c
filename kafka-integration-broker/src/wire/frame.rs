use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Frames up to this size cost so little that they need no share of the
/// memory; it is also what is allocated before any of a frame has come.
const SMALL: usize = 64 * 1024;
/// What is allocated at once for a peer that has sent that much already.
const TRUSTED: usize = 1024 * 1024;
/// The memory is shared out in pieces of this size.
const PIECE: usize = 1024;

/// Bytes of records in all answers that are not sent yet. Copies of them make
/// it up to three times as much.
const ANSWERS: usize = 256 * 1024 * 1024;
/// Bytes of records in an answer when there is no room for a larger one.
pub(crate) const MODEST_ANSWER: usize = 1024 * 1024;

/// What all connections together may hold of requests, and of answers.
#[derive(Debug)]
pub(crate) struct Budget {
    largest: usize,
    patience: Duration,
    memory: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

/// What one answer may hold of the memory, until it is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnswerShare(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl AnswerShare {
    /// Keeps a share for as long as this or a clone of it lives.
    pub(crate) fn keep(&self, share: OwnedSemaphorePermit) {
        *self.0.lock() = Some(share);
    }
}

/// A frame, and its share of the memory until it is dropped.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) share: Option<OwnedSemaphorePermit>,
}

/// Why no further frame came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The peer closed the connection between two frames: the ordinary end.
    #[error("closed by the peer")]
    Closed,
    /// A size that is negative or above the limit. Nothing was allocated.
    #[error("a request of {size} bytes; at most {limit} are taken")]
    Size {
        /// The size the peer named.
        size: i32,
        /// The limit in bytes.
        limit: usize,
    },
    /// The peer began a frame and stopped.
    #[error("the rest of a request did not come")]
    Stalled,
    /// The connection failed, also within a frame.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Budget {
    /// `largest`: of one frame; `memory`: of all, both in bytes. `patience`:
    /// how long a peer may send nothing of a frame it has begun.
    pub(crate) fn new(largest: usize, memory: usize, patience: Duration) -> Self {
        let pieces = (memory.max(largest) / PIECE + 1).min(Semaphore::MAX_PERMITS);
        Self {
            largest,
            patience,
            memory: Arc::new(Semaphore::new(pieces)),
            answers: Arc::new(Semaphore::new(ANSWERS / PIECE)),
        }
    }
}

impl Budget {
    /// A share for an answer of `bytes`, if there is one now; none is needed
    /// for a small one.
    pub(crate) fn try_answer(&self, bytes: usize) -> Option<Option<OwnedSemaphorePermit>> {
        if bytes <= SMALL {
            return Some(None);
        }
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).ok()?;
        let share = Arc::clone(&self.answers).try_acquire_many_owned(pieces);
        share.ok().map(Some)
    }

    /// A share for an answer of [`MODEST_ANSWER`] bytes; waits for it.
    pub(crate) async fn modest_answer(&self) -> Option<OwnedSemaphorePermit> {
        let pieces = (MODEST_ANSWER / PIECE) as u32;
        let share = Arc::clone(&self.answers).acquire_many_owned(pieces);
        share.await.ok()
    }
}

/// Reads one frame: its size as four bytes, then so many bytes. Waits while
/// all connections together hold too much.
///
/// Memory grows with what really arrives, so a peer that names a large size
/// and sends nothing costs little.
pub(crate) async fn read_frame(
    from: &mut (impl AsyncRead + Unpin),
    budget: &Budget,
) -> Result<Received, FrameError> {
    let size = match from.read_i32().await {
        Ok(size) => size,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(FrameError::Closed);
        }
        Err(error) => return Err(error.into()),
    };
    let length = usize::try_from(size)
        .ok()
        .filter(|size| *size <= budget.largest);
    let Some(length) = length else {
        return Err(FrameError::Size {
            size,
            limit: budget.largest,
        });
    };
    let share = if length > SMALL {
        let pieces = u32::try_from(length.div_ceil(PIECE)).unwrap_or(u32::MAX);
        Arc::clone(&budget.memory)
            .acquire_many_owned(pieces)
            .await
            .ok()
    } else {
        None
    };
    let mut frame = BytesMut::with_capacity(length.min(SMALL));
    while frame.len() < length {
        let wanted = length - frame.len();
        if frame.capacity() == frame.len() {
            frame.reserve(wanted.min(frame.len().max(TRUSTED)));
        }
        let mut piece = (&mut *from).take(wanted as u64);
        let read = timeout(budget.patience, piece.read_buf(&mut frame));
        if read.await.map_err(|_| FrameError::Stalled)?? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(Received {
        bytes: frame.freeze(),
        share,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(1 << 20, 1 << 20, Duration::from_millis(50))
    }

    #[tokio::test]
    async fn a_frame_is_its_bytes_and_then_comes_the_next() {
        let mut bytes = &b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01d"[..];
        for expected in [&b"abc"[..], b"", b"d"] {
            let frame = read_frame(&mut bytes, &budget()).await.expect("a frame");
            assert_eq!(frame.bytes, expected);
        }
        assert!(matches!(
            read_frame(&mut bytes, &budget()).await,
            Err(FrameError::Closed)
        ));
    }

    #[tokio::test]
    async fn absurd_sizes_allocate_nothing() {
        for size in [-1, i32::MIN, i32::MAX, (1 << 20) + 1] {
            let bytes = size.to_be_bytes();
            let refused = read_frame(&mut &bytes[..], &budget()).await;
            assert!(matches!(refused, Err(FrameError::Size { .. })), "{size}");
        }
    }

    #[tokio::test]
    async fn a_frame_that_stops_coming_ends_the_connection() {
        let (mut ours, mut theirs) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut theirs, b"\0\0\0\x09ab")
            .await
            .expect("room");
        assert!(matches!(
            read_frame(&mut ours, &budget()).await,
            Err(FrameError::Stalled)
        ));
        drop(theirs);
    }
}
