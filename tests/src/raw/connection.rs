use std::collections::VecDeque;
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a broker may take for an answer before that is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection to a broker. Requests may be sent ahead of their answers.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    next: i32,
    /// Correlation ids in the order they were sent.
    expected: VecDeque<i32>,
    client_id: Option<StrBytes>,
}

/// An answer that is still to come.
#[derive(Debug)]
pub struct Ticket<R> {
    correlation: i32,
    version: i16,
    request: PhantomData<fn() -> R>,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there.
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await;
        let stream = stream.unwrap_or_else(|error| panic!("connecting to {address}: {error}"));
        stream.set_nodelay(true).expect("a socket option");
        Self {
            stream,
            next: 1,
            expected: VecDeque::new(),
            client_id: Some(StrBytes::from_static_str("raw")),
        }
    }

    /// Under another client id.
    #[must_use]
    pub fn client_id(mut self, id: Option<&'static str>) -> Self {
        self.client_id = id.map(StrBytes::from_static_str);
        self
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Panics
    /// When the message has no such version, or the broker closes the
    /// connection, answers out of order or in another form, or not within 20
    /// seconds.
    pub async fn call<R: Request>(&mut self, version: i16, request: R) -> R::Response {
        let ticket = self.send(version, request).await;
        self.answer(ticket).await
    }

    /// Sends a request; the answer is asked for later, in the same order.
    ///
    /// # Panics
    /// When the message has no such version, or the connection is broken.
    pub async fn send<R: Request>(&mut self, version: i16, request: R) -> Ticket<R> {
        let mut body = BytesMut::new();
        let encoded = request.encode(&mut body, version);
        encoded.unwrap_or_else(|error| panic!("API {} version {version}: {error}", R::KEY));
        let correlation = self
            .send_body(R::KEY, version, R::header_version(version), &body)
            .await;
        Ticket {
            correlation,
            version,
            request: PhantomData,
        }
    }

    /// Sends any bytes as the body of a request and returns its correlation id.
    ///
    /// # Panics
    /// When the connection is broken.
    pub async fn send_body(&mut self, key: i16, version: i16, header: i16, body: &[u8]) -> i32 {
        let correlation = self.next;
        self.next += 1;
        let mut frame = BytesMut::new();
        RequestHeader::default()
            .with_request_api_key(key)
            .with_request_api_version(version)
            .with_correlation_id(correlation)
            .with_client_id(self.client_id.clone())
            .encode(&mut frame, header)
            .expect("a request header");
        frame.extend_from_slice(body);
        self.send_frame(&frame).await;
        self.expected.push_back(correlation);
        correlation
    }

    /// Sends any bytes as a frame.
    ///
    /// # Panics
    /// When the connection is broken.
    pub async fn send_frame(&mut self, frame: &[u8]) {
        let mut bytes = Vec::with_capacity(frame.len() + 4);
        bytes.extend((frame.len() as u32).to_be_bytes());
        bytes.extend(frame);
        self.send_bytes(&bytes).await;
    }

    /// Sends any bytes.
    ///
    /// # Panics
    /// When the connection is broken.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let sent = self.stream.write_all(bytes).await;
        sent.expect("the broker takes the request");
    }

    /// The answer to a request sent before.
    ///
    /// # Panics
    /// As [`Connection::call`] does.
    pub async fn answer<R: Request>(&mut self, ticket: Ticket<R>) -> R::Response {
        let answer = self.try_answer(ticket).await;
        answer.expect("the broker answers before it closes the connection")
    }

    /// The answer to a request sent before; `None` when the broker closes the
    /// connection instead.
    ///
    /// # Panics
    /// When the answer is out of order, in another form or late.
    pub async fn try_answer<R: Request>(&mut self, ticket: Ticket<R>) -> Option<R::Response> {
        let mut frame = self.frame().await?;
        let version = ticket.version;
        let header = ResponseHeader::decode(&mut frame, R::Response::header_version(version));
        let header = header.expect("a response header");
        let expected = self.expected.pop_front();
        assert_eq!(
            (Some(header.correlation_id), Some(ticket.correlation)),
            (expected, expected),
            "correlation id of the answer to API {}",
            R::KEY
        );
        let body = R::Response::decode(&mut frame, version).unwrap_or_else(|error| {
            panic!("the answer to API {} version {version}: {error}", R::KEY)
        });
        assert!(
            frame.is_empty(),
            "{} bytes after the answer to API {} version {version}",
            frame.len(),
            R::KEY
        );
        Some(body)
    }

    /// The next frame; `None` when the broker closes the connection.
    ///
    /// # Panics
    /// When nothing comes for 20 seconds, or half a frame.
    pub async fn frame(&mut self) -> Option<Bytes> {
        let frame = tokio::time::timeout(PATIENCE, self.read_frame()).await;
        frame.expect("the broker answers in time")
    }

    /// Whether the broker stays silent for `time`: no answer, no end of the
    /// connection. Nothing is read.
    pub async fn silent_for(&mut self, time: Duration) -> bool {
        let mut byte = [0];
        let heard = tokio::time::timeout(time, self.stream.peek(&mut byte));
        heard.await.is_err()
    }

    async fn read_frame(&mut self) -> Option<Bytes> {
        let size = match self.stream.read_u32().await {
            Ok(size) => size as usize,
            Err(error) => {
                let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
                assert!(closed.contains(&error.kind()), "reading an answer: {error}");
                return None;
            }
        };
        assert!(size <= 200 << 20, "an answer of {size} bytes");
        let mut frame = vec![0; size];
        let read = self.stream.read_exact(&mut frame).await;
        read.expect("a whole answer");
        Some(frame.into())
    }
}
