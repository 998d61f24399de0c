//! One connection: a request at a time, answers in order.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::api::{self, Stop};
use crate::core::{Core, RequestContext};
use crate::wire::{Frame, FrameError, read_frame};

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, core: Arc<Core>) {
    let stopping = core.stopping.clone();
    tokio::select! {
        () = stopping.cancelled() => {}
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
    let (read, mut write) = stream.split();
    let mut read = BufReader::with_capacity(32 * 1024, read);
    loop {
        let frame = match read_frame(&mut read, core.options.max_request_bytes).await {
            Ok(bytes) => bytes,
            Err(FrameError::Closed) => return None,
            Err(error) => return Some(error.to_string()),
        };
        let frame = match Frame::parse(frame) {
            Ok(frame) => frame,
            Err(error) => return Some(error.to_string()),
        };
        let cx = RequestContext {
            core: Arc::clone(&core),
            version: frame.version,
            client_id: StrBytes::default(),
            peer,
        };
        let response = match api::dispatch(cx, frame).await {
            Ok(response) => response,
            Err(Stop::Silent) => continue,
            Err(Stop::Close(reason)) => return Some(reason),
        };
        if let Err(error) = send(&mut write, response).await {
            tracing::debug!(%peer, %error, "a response could not be sent");
            return None;
        }
    }
}

async fn send(
    write: &mut (impl tokio::io::AsyncWrite + Unpin),
    response: BytesMut,
) -> std::io::Result<()> {
    let size = i32::try_from(response.len()).map_err(std::io::Error::other)?;
    let size = size.to_be_bytes();
    let mut whole = (&size[..]).chain(&response[..]);
    write.write_all_buf(&mut whole).await?;
    write.flush().await
}
