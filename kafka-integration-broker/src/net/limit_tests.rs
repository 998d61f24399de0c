//! What a connection may take, and what ends it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::{EmbeddedBroker, EmbeddedBrokerBuilder};

/// Metadata 4 of all topics.
const METADATA: &[u8] = b"\0\0\0\x0f\0\x03\0\x04\0\0\0\x07\xff\xff\xff\xff\xff\xff\x01";
/// SaslHandshake 1 for PLAIN.
const HANDSHAKE: &[u8] = b"\0\0\0\x11\0\x11\0\x01\0\0\0\x01\xff\xff\0\x05PLAIN";

const PATIENCE: Duration = Duration::from_secs(20);

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// An answer's bytes; `None` when the connection was closed instead.
fn ask(stream: &mut TcpStream, request: &[u8]) -> Option<Vec<u8>> {
    stream.write_all(request).ok()?;
    let mut size = [0; 4];
    stream.read_exact(&mut size).ok()?;
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}

async fn on(builder: EmbeddedBrokerBuilder, test: impl FnOnce(SocketAddr) + Send + 'static) {
    let broker = builder.start().await.expect("started");
    let address = broker.address();
    tokio::task::spawn_blocking(move || test(address))
        .await
        .expect("held");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_above_the_limit_closes_its_connection_alone() {
    on(
        EmbeddedBroker::builder().max_request_bytes(1000),
        |address| {
            let mut other = connect(address);
            let mut large = connect(address);
            assert_eq!(ask(&mut large, &1001_i32.to_be_bytes()), None);
            assert!(ask(&mut other, METADATA).is_some());
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_are_closed_until_one_leaves() {
    on(EmbeddedBroker::builder().max_connections(2), |address| {
        let mut first = connect(address);
        let mut second = connect(address);
        assert!(ask(&mut first, METADATA).is_some());
        assert!(ask(&mut second, METADATA).is_some());
        assert_eq!(ask(&mut connect(address), METADATA), None);
        drop(second);
        let begun = Instant::now();
        while ask(&mut connect(address), METADATA).is_none() {
            assert!(begun.elapsed() < PATIENCE, "a place stays taken");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(ask(&mut first, METADATA).is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_nothing_is_let_go() {
    let patience = Duration::from_millis(300);
    on(
        EmbeddedBroker::builder().patience(patience),
        move |address| {
            let mut deaf = connect(address);
            // Many answers that nobody takes fill the buffers of both sides; the
            // broker then waits, and takes no more requests.
            let begun = Instant::now();
            while deaf.write_all(&METADATA.repeat(1000)).is_ok() {
                assert!(begun.elapsed() < PATIENCE, "the connection is still open");
            }
            assert!(ask(&mut connect(address), METADATA).is_some());
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_stops_coming_is_let_go() {
    let patience = Duration::from_millis(100);
    on(
        EmbeddedBroker::builder().patience(patience),
        move |address| {
            let mut slow = connect(address);
            slow.write_all(&METADATA[..7]).expect("sent");
            assert_eq!(slow.read(&mut [0]).expect("closed"), 0);
            // One that sends nothing at all may stay.
            let mut idle = connect(address);
            std::thread::sleep(3 * patience);
            assert!(ask(&mut idle, METADATA).is_some());
        },
    )
    .await;
}

/// SaslAuthenticate 0 with this message.
fn authenticate(message: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x24\0\0\0\0\0\x02\xff\xff".to_vec();
    body.extend((message.len() as i32).to_be_bytes());
    body.extend(message);
    let mut request = (body.len() as i32).to_be_bytes().to_vec();
    request.extend(body);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn with_users_only_who_logs_in_is_served() {
    on(EmbeddedBroker::builder().user("ann", "secret"), |address| {
        assert_eq!(
            ask(&mut connect(address), METADATA),
            None,
            "served without a login"
        );

        let mut wrong = connect(address);
        assert_eq!(ask(&mut wrong, HANDSHAKE).expect("answered")[4..6], [0, 0]);
        let refused = ask(&mut wrong, &authenticate(b"\0ann\0guess")).expect("answered");
        assert_eq!(refused[4..6], 58_i16.to_be_bytes());
        assert_eq!(
            ask(&mut wrong, METADATA),
            None,
            "served after a refused login"
        );

        let mut right = connect(address);
        assert!(ask(&mut right, HANDSHAKE).is_some());
        let accepted = ask(&mut right, &authenticate(b"\0ann\0secret")).expect("answered");
        assert_eq!(accepted[4..6], [0, 0]);
        assert!(ask(&mut right, METADATA).is_some());

        let unknown = b"\0\0\0\x12\0\x11\0\x01\0\0\0\x01\xff\xff\0\x06GSSAPI";
        let mut other = connect(address);
        assert_eq!(
            ask(&mut other, unknown).expect("answered")[4..6],
            33_i16.to_be_bytes()
        );
        assert_eq!(
            ask(&mut other, HANDSHAKE),
            None,
            "open after an unknown mechanism"
        );

        let mut early = connect(address);
        let refused = ask(&mut early, &authenticate(b"\0ann\0secret")).expect("answered");
        assert_eq!(refused[4..6], 34_i16.to_be_bytes());
    })
    .await;
}
