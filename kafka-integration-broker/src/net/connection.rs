//! One connection: requests in their order, answers in the same order.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::answers::{Answers, End};
use super::authenticate::{self, Answered};
use crate::api::{self, Stop};
use crate::core::{Ahead, Core, RequestContext};
use crate::security::Login;
use crate::wire::{AnswerShare, Frame, FrameError, Received, read_frame};

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
    let (read, write) = stream.split();
    let mut read = BufReader::with_capacity(32 * 1024, read);
    let answers = Answers::new(write, core.options.patience);
    let peer = Peer {
        address: peer,
        connection: connected.id,
        core,
    };
    match converse(&peer, &mut read, answers).await {
        Ok(()) | Err(End::Left) => None,
        Err(End::Closed(reason)) => Some(reason),
        Err(End::Muted(until)) => tokio::select! {
            () = until.cancelled() => Some("silence on purpose was lifted".into()),
            () = ignored(&mut read) => None,
        },
    }
}

/// Answers until the peer has closed.
async fn converse(
    peer: &Peer,
    read: &mut (impl AsyncBufRead + Unpin),
    mut answers: Answers<impl AsyncWrite + Unpin>,
) -> Result<(), End> {
    let mut login = Login::new(&peer.core.options.users);
    loop {
        let frame = {
            let mut reading = pin!(read_frame(read, &peer.core.budget));
            loop {
                // Only waiting may be dropped; half an answer must not be sent.
                let answered = tokio::select! {
                    biased;
                    answered = answers.next() => answered,
                    frame = &mut reading => break frame,
                };
                answers.send(answered).await?;
            }
        };
        let frame = match frame {
            Ok(frame) => frame,
            Err(FrameError::Closed) => return answers.send_all().await,
            Err(error) => return Err(End::Closed(error.to_string())),
        };
        if is_produce(&frame.bytes) && login.is_done() {
            let ahead = Ahead::default();
            answers.push(peer.clone().serve(frame, ahead.clone()));
            answers.until_handed_over(&ahead).await?;
        } else {
            // Only appends run ahead of the answers before them.
            answers.send_all().await?;
            one_by_one(peer, &mut login, read, &mut answers, frame).await?;
        }
    }
}

/// Answers a request before the next one is read.
async fn one_by_one(
    peer: &Peer,
    login: &mut Login,
    read: &mut (impl AsyncBufRead + Unpin),
    answers: &mut Answers<impl AsyncWrite + Unpin>,
    frame: Received,
) -> Result<(), End> {
    let parks = may_park(&frame.bytes);
    let answered = tokio::select! {
        biased;
        answered = peer.respond(login, frame.bytes, Ahead::default()) => answered,
        () = hung_up(read), if parks => return Err(End::Left),
    };
    // The request is no longer needed; its share of memory is given back
    // before the peer takes its time with the answer.
    drop(frame.share);
    answers.send(answered).await
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

/// A produce may be handed over to the writer while the one before it is not
/// yet durable: the writer keeps their order.
fn is_produce(frame: &[u8]) -> bool {
    frame.first_chunk() == Some(&(ApiKey::Produce as i16).to_be_bytes())
}

/// Who is at the other end, and which broker is at this one.
#[derive(Clone)]
struct Peer {
    address: SocketAddr,
    connection: u64,
    core: Arc<Core>,
}

impl Peer {
    /// Serves a request of a peer that is logged in.
    async fn serve(self, frame: Received, ahead: Ahead) -> Result<Answered, Stop> {
        self.respond(&mut Login::Done, frame.bytes, ahead).await
    }

    async fn respond(
        &self,
        login: &mut Login,
        bytes: Bytes,
        ahead: Ahead,
    ) -> Result<Answered, Stop> {
        if login.takes_bare_frames() {
            return authenticate::bare(login, &self.core.options.users, &bytes);
        }
        let frame = Frame::parse(bytes).map_err(|error| Stop::Close(error.to_string()))?;
        let cx = RequestContext {
            core: Arc::clone(&self.core),
            version: frame.version,
            client_id: StrBytes::default(),
            peer: self.address,
            connection: self.connection,
            ahead,
            share: AnswerShare::default(),
        };
        let share = cx.share.clone();
        if let Some(answered) = authenticate::answer(login, &cx, &frame).await? {
            return Ok(answered);
        }
        let response = api::dispatch(cx, frame).await?;
        Ok(Answered {
            response,
            close: None,
            share,
        })
    }
}
