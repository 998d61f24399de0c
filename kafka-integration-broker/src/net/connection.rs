//! One connection: a request at a time, answers in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::authenticate::{self, Answered};
use crate::api::{self, Stop};
use crate::core::{Core, RequestContext};
use crate::security::Login;
use crate::wire::{Frame, FrameError, read_frame};

/// Serves a connection to its end, or until the door is `closed`.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    core: Arc<Core>,
    closed: CancellationToken,
) {
    tokio::select! {
        () = closed.cancelled() => {}
        reason = exchange(stream, peer, core) => {
            if let Some(reason) = reason {
                tracing::warn!(%peer, reason, "connection closed");
            }
        }
    }
}

/// Returns why the connection was closed, unless the client did it in order.
async fn exchange(mut stream: TcpStream, peer: SocketAddr, core: Arc<Core>) -> Option<String> {
    if let Err(error) = stream.set_nodelay(true) {
        return Some(error.to_string());
    }
    let connected = core.faults.connected();
    let mut login = Login::new(&core.options.users);
    let (read, mut write) = stream.split();
    let mut read = BufReader::with_capacity(32 * 1024, read);
    loop {
        let frame = match read_frame(&mut read, &core.budget).await {
            Ok(frame) => frame,
            Err(FrameError::Closed) => return None,
            Err(error) => return Some(error.to_string()),
        };
        let parks = may_park(&frame.bytes);
        let answered = tokio::select! {
            biased;
            answered = respond(&core, peer, connected.id, &mut login, frame.bytes) => answered,
            () = hung_up(&mut read), if parks => return None,
        };
        let answered = match answered {
            Ok(answered) => answered,
            Err(Stop::Silent) => continue,
            Err(Stop::Close(reason)) => return Some(reason),
            Err(Stop::Mute(until)) => {
                drop(frame.share);
                tokio::select! {
                    () = until.cancelled() => return Some("silence on purpose was lifted".into()),
                    () = ignored(&mut read) => return None,
                }
            }
        };
        // The request is no longer needed; its share of memory is given back
        // before the peer takes its time with the answer.
        drop(frame.share);
        match timeout(core.options.patience, send(&mut write, answered.response)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "a response could not be sent");
                return None;
            }
            Err(_) => return Some("the peer does not read its responses".into()),
        }
        if answered.close.is_some() {
            return answered.close;
        }
    }
}

/// Whether the answer may take as long as the client chose to wait. Nothing is
/// lost when such a request is dropped: what it changes is changed before it
/// waits. (A produce isn't dropped: its client may close without waiting.)
fn may_park(frame: &[u8]) -> bool {
    const PARK: [ApiKey; 3] = [ApiKey::Fetch, ApiKey::JoinGroup, ApiKey::SyncGroup];
    let key = frame.first_chunk().map(|key| i16::from_be_bytes(*key));
    key.is_some_and(|key| PARK.iter().any(|park| *park as i16 == key))
}

/// Ends when the peer has closed and sent nothing before that: without it a
/// client that goes away would keep its place for as long as it said it waits.
async fn hung_up(read: &mut (impl AsyncBufRead + Unpin)) {
    if read.fill_buf().await.is_ok_and(|next| !next.is_empty()) {
        // The next request is here already; its turn comes.
        std::future::pending().await
    }
}

/// Takes whatever the peer sends, until it closes.
async fn ignored(read: &mut (impl AsyncBufRead + Unpin)) {
    while let Ok(bytes) = read.fill_buf().await {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        read.consume(length);
    }
}

async fn respond(
    core: &Arc<Core>,
    peer: SocketAddr,
    connection: u64,
    login: &mut Login,
    bytes: Bytes,
) -> Result<Answered, Stop> {
    if login.takes_bare_frames() {
        return authenticate::bare(login, &core.options.users, &bytes);
    }
    let frame = Frame::parse(bytes).map_err(|error| Stop::Close(error.to_string()))?;
    let cx = RequestContext {
        core: Arc::clone(core),
        version: frame.version,
        client_id: StrBytes::default(),
        peer,
        connection,
    };
    if let Some(answered) = authenticate::answer(login, &cx, &frame).await? {
        return Ok(answered);
    }
    let response = api::dispatch(cx, frame).await?;
    Ok(Answered {
        response,
        close: None,
    })
}

async fn send(write: &mut (impl AsyncWrite + Unpin), response: BytesMut) -> io::Result<()> {
    let size = i32::try_from(response.len()).map_err(io::Error::other)?;
    let size = size.to_be_bytes();
    let mut whole = size[..].chain(&response[..]);
    write.write_all_buf(&mut whole).await?;
    write.flush().await
}
