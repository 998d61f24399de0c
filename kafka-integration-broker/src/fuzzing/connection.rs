//! A running broker, and bytes to its socket.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::frames::request;
use super::mutate::mutate;
use super::process::assert_memory_bounded;
use super::rng::Rng;
use crate::EmbeddedBroker;

/// Far more than a healthy broker takes to answer, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long answers are waited for; a fetch may be parked for days.
const GLANCE: Duration = Duration::from_millis(20);

/// The broker that all bytes go to, in memory, and what drives it.
static BROKER: LazyLock<(Runtime, EmbeddedBroker)> = LazyLock::new(|| {
    let started = Runtime::new().map(|runtime| {
        let broker = runtime.block_on(EmbeddedBroker::builder().start());
        (runtime, broker)
    });
    match started {
        Ok((runtime, Ok(broker))) => (runtime, broker),
        Ok((_, Err(error))) => panic!("{error}"),
        Err(error) => panic!("{error}"),
    }
});

/// Sends bytes to a running broker, then asks it for its versions on another
/// connection.
///
/// An even first byte: the rest goes to the socket as it is. An odd one: every
/// sixteen bytes of the rest are the seeds of a request and of its damage, which
/// is sent as one frame.
///
/// # Panics
/// When the broker doesn't answer, or the process grew out of its bounds.
pub fn connection(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let bytes = if kind % 2 == 0 {
        rest.to_vec()
    } else {
        framed(rest)
    };
    let address = BROKER.1.address();
    // The broker may close while the bytes are still being sent.
    let _ = send(address, &bytes);
    if let Err(error) = api_versions(address) {
        panic!("no answer to ApiVersions afterwards: {error}");
    }
    assert_memory_bounded();
}

fn framed(seeds: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for seeds in seeds.chunks(16) {
        let (of_request, of_damage) = seeds.split_at(seeds.len() / 2);
        let mut frame = request(&mut Rng::from_bytes(of_request));
        let mut rng = Rng::from_bytes(of_damage);
        if !rng.once_in(3) {
            mutate(&mut frame, &mut rng);
        }
        bytes.extend((frame.len() as u32).to_be_bytes());
        bytes.extend(frame);
    }
    bytes
}

fn send(address: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(GLANCE))?;
    stream.set_read_timeout(Some(GLANCE))?;
    stream.write_all(bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut sink = [0; 4096];
    while stream.read(&mut sink)? > 0 {}
    Ok(())
}

fn api_versions(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // ApiVersions 0, correlation id 7, no client id.
    stream.write_all(b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff")?;
    let mut answer = [0; 10];
    stream.read_exact(&mut answer)?;
    // Behind the size: the correlation id, and no error.
    if answer[4..] != [0, 0, 0, 7, 0, 0] {
        return Err(io::Error::other(format!("{answer:?}")));
    }
    Ok(())
}
