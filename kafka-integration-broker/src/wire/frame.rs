use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Why no further frame came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The peer closed the connection between two frames: the ordinary end.
    #[error("closed by the peer")]
    Closed,
    /// A size that is negative or above the limit. Nothing was allocated.
    #[error("a frame of {size} bytes; at most {limit} are taken")]
    Size {
        /// The size the peer named.
        size: i32,
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection failed, also within a frame.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How much of a frame is allocated before any of it has come.
const FIRST_PIECE: usize = 64 * 1024;

/// Reads one frame: its size as four bytes, then so many bytes.
///
/// Memory grows with what really arrives, so a peer that names a large size
/// and sends nothing costs little.
pub(crate) async fn read_frame(
    from: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Bytes, FrameError> {
    let size = match from.read_i32().await {
        Ok(size) => size,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(FrameError::Closed);
        }
        Err(error) => return Err(error.into()),
    };
    let length = usize::try_from(size).ok().filter(|size| *size <= limit);
    let Some(length) = length else {
        return Err(FrameError::Size { size, limit });
    };
    let mut frame = BytesMut::with_capacity(length.min(FIRST_PIECE));
    while frame.len() < length {
        let wanted = length - frame.len();
        if frame.capacity() == frame.len() {
            frame.reserve(wanted.min(frame.len().max(FIRST_PIECE)));
        }
        let mut piece = (&mut *from).take(wanted as u64);
        if piece.read_buf(&mut frame).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(frame.freeze())
}
