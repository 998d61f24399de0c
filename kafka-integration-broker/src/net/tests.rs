//! Connections, by raw bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::EmbeddedBroker;

/// Metadata 4 for the topic `t`, which makes it.
const METADATA: &[u8] = b"\0\0\0\x12\0\x03\0\x04\0\0\0\x07\xff\xff\0\0\0\x01\0\x01t\x01";

/// Fetch 4 from the topic `t`, one byte at least, in 24 days at most.
const FETCH: &[u8] = b"\0\0\0\x36\0\x01\0\x04\0\0\0\x07\xff\xff\
    \xff\xff\xff\xff\x7f\xff\xff\xff\0\0\0\x01\0\0\x10\0\0\
    \0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0";

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    stream
}

fn answered(address: SocketAddr, request: &[u8]) -> bool {
    let mut stream = connect(address);
    let mut size = [0; 4];
    stream.write_all(request).is_ok() && stream.read_exact(&mut size).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_went_away_while_they_waited_leave_their_place() {
    const PLACES: usize = 100;
    let broker = EmbeddedBroker::builder().max_connections(PLACES);
    let broker = broker.start().await.expect("started");
    let address = broker.address();
    let work = tokio::task::spawn_blocking(move || {
        assert!(answered(address, METADATA));
        // It is really parked: no answer comes.
        let mut parked = connect(address);
        parked.write_all(FETCH).expect("sent");
        parked
            .set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a timeout");
        assert!(parked.read(&mut [0]).is_err(), "the fetch did not wait");

        for _ in 0..2 * PLACES {
            // When the broker is slower than this loop it may be full for now.
            let _ = connect(address).write_all(FETCH);
        }
        let begun = Instant::now();
        while !answered(address, METADATA) {
            assert!(begun.elapsed() < Duration::from_secs(20), "still full");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    work.await.expect("held");
    broker.stop().await;
}
