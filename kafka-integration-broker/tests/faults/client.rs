//! A client by hand: what a test sends is what it says.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything takes, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    stream: TcpStream,
    id: &'static str,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, id: &'static str) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        Self { stream, id }
    }

    pub(crate) async fn send<R: Request>(&mut self, version: i16, request: &R) {
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(7)
            .with_client_id(Some(StrBytes::from_static_str(self.id)));
        let mut frame = BytesMut::new();
        header
            .encode(&mut frame, R::header_version(version))
            .expect("a header");
        request.encode(&mut frame, version).expect("a request");
        let size = i32::try_from(frame.len()).expect("small");
        self.stream.write_i32(size).await.expect("sent");
        self.stream.write_all(&frame).await.expect("sent");
    }

    /// # Errors
    /// The connection was closed instead.
    pub(crate) async fn receive<R: Request>(&mut self, version: i16) -> io::Result<R::Response> {
        let read = async {
            let size = self.stream.read_i32().await?;
            let mut frame = vec![0; usize::try_from(size).expect("a size")];
            self.stream.read_exact(&mut frame).await?;
            io::Result::Ok(Bytes::from(frame))
        };
        let mut frame = timeout(PATIENCE, read).await.expect("an answer in time")?;
        let header_version = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut frame, header_version).expect("a header");
        assert_eq!(header.correlation_id, 7);
        let response = R::Response::decode(&mut frame, version).expect("an answer");
        assert!(frame.is_empty(), "bytes behind the answer");
        Ok(response)
    }

    pub(crate) async fn ask<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> io::Result<R::Response> {
        self.send(version, request).await;
        self.receive::<R>(version).await
    }

    /// Whether nothing comes for a while: neither an answer nor the end.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let glance = Duration::from_millis(100);
        timeout(glance, self.stream.read_u8()).await.is_err()
    }

    /// Waits until the broker closes the connection.
    pub(crate) async fn closed(&mut self) {
        let read = timeout(PATIENCE, self.stream.read_u8());
        assert!(read.await.expect("closed in time").is_err(), "an answer");
    }
}
