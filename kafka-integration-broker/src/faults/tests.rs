//! Every request that is served can be refused.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use kafka_protocol::messages::ApiKey;

use crate::fuzzing::{Rng, body, every_version};
use crate::wire::served;
use crate::{EmbeddedBroker, ErrorCode, FaultError};

/// A number that stands nowhere else in an answer.
const CODE: i16 = 0x5a5b;

/// Enough for every list in a request to have something in it once.
const SEEDS: u64 = 12;

/// The answer; `None` when the connection was closed instead.
fn ask(address: SocketAddr, api: i16, version: i16, rest: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let mut frame = Vec::new();
    frame.extend(api.to_be_bytes());
    frame.extend(version.to_be_bytes());
    // Correlation id and no client id.
    frame.extend([0, 0, 0, 7, 0xff, 0xff]);
    frame.extend(rest);
    let size = i32::try_from(frame.len()).expect("small");
    stream.write_all(&size.to_be_bytes()).ok()?;
    stream.write_all(&frame).ok()?;
    let mut size = [0; 4];
    match stream.read_exact(&mut size) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("API {api} in version {version} got no answer")
        }
        read => read.ok()?,
    }
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size)).expect("a size")];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}

fn has_code(answer: &[u8]) -> bool {
    let code = CODE.to_be_bytes();
    answer.windows(2).any(|window| window == code)
}

/// With `acks=0`, that is.
fn may_be_closed(api: i16) -> bool {
    api == ApiKey::Produce as i16
}

#[tokio::test(flavor = "multi_thread")]
async fn every_api_in_every_version_has_a_place_for_an_error() {
    let broker = EmbeddedBroker::builder().start().await.expect("started");
    let (faults, address) = (broker.faults(), broker.address());
    faults
        .on_any()
        .error(ErrorCode::Unknown(CODE))
        .expect("a fault");
    let asking = tokio::task::spawn_blocking(move || {
        let mut asked = 0;
        for (shape, version) in every_version() {
            let api = shape.api_key;
            if !served(api).is_some_and(|row| (row.min..=row.max).contains(&version)) {
                continue;
            }
            asked += 1;
            let mut refused = false;
            for seed in 0..SEEDS {
                let mut rng = Rng::new(seed);
                let mut rest = Vec::new();
                if shape.flexible.contains(version) {
                    rest.push(0);
                }
                rest.extend(body(shape, version, &mut rng));
                let answer = ask(address, api, version, &rest);
                assert!(
                    answer.is_some() || may_be_closed(api),
                    "API {api} in version {version} with seed {seed} was closed"
                );
                refused |= answer.is_some_and(|answer| has_code(&answer));
            }
            assert!(refused, "API {api} in version {version} was not refused");
        }
        assert!(asked > 100, "only {asked} versions");
    });
    asking.await.expect("held");
    broker.stop().await;
}

#[tokio::test]
async fn faults_that_can_never_strike_are_not_set() {
    let broker = EmbeddedBroker::builder().start().await.expect("started");
    let faults = broker.faults();
    let error = faults
        .on(ApiKey::ShareFetch)
        .disconnect()
        .expect_err("refused");
    assert_eq!(error, FaultError::NotServed(ApiKey::ShareFetch));
    let error = faults.on(ApiKey::Heartbeat).topic("t").silence();
    let expected = FaultError::NeverNames {
        api: ApiKey::Heartbeat,
        what: "topic",
    };
    assert_eq!(error.expect_err("refused"), expected);
    let error = faults.on(ApiKey::Fetch).error(ErrorCode::Unknown(0));
    assert_eq!(error.expect_err("refused"), FaultError::NoError);
    let error = faults.on_any().times(0).lose_answer();
    assert_eq!(error.expect_err("refused"), FaultError::NoTimes);
    broker.stop().await;
}
