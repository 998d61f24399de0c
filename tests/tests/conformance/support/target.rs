use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use kafka_integration_broker::{EmbeddedBroker, EmbeddedBrokerBuilder};
use kafka_integration_tests::raw::Connection;
use kafka_integration_tests::{kafka_or_skip, unique};
use kafka_protocol::protocol::Request;
use tempfile::TempDir;

/// A broker that a case runs on.
pub struct Target {
    /// What a failure calls it.
    pub name: &'static str,
    /// Its address, as clients take it.
    pub address: String,
    /// It ends with the case.
    _embedded: Option<EmbeddedBroker>,
    /// Where it keeps its data; dropped after it.
    _directory: Option<TempDir>,
}

impl Target {
    /// A new connection.
    pub async fn connect(&self) -> Connection {
        Connection::open(&self.address).await
    }

    /// One request on a connection of its own.
    pub async fn call<R: Request>(&self, version: i16, request: R) -> R::Response {
        self.connect().await.call(version, request).await
    }

    /// A name for a topic, a group or a transactional id that nobody else has.
    pub fn unique(&self, case: &str) -> String {
        unique(case)
    }
}

/// The brokers there are. Embedded ones are new for each case.
async fn brokers(case: &str) -> Vec<Target> {
    let directory = tempfile::tempdir().expect("a directory for the broker");
    let on_disk = embedded().data_dir(directory.path());
    let mut brokers = vec![
        start("the embedded broker, in memory", embedded(), None).await,
        start("the embedded broker, on disk", on_disk, Some(directory)).await,
    ];
    brokers.extend(kafka_or_skip(case).map(|address| Target {
        name: "Apache Kafka",
        address,
        _embedded: None,
        _directory: None,
    }));
    brokers
}

/// With the settings of `tests/services/kafka.properties`.
fn embedded() -> EmbeddedBrokerBuilder {
    EmbeddedBroker::builder()
        .min_session_timeout(Duration::from_secs(1))
        .consumer_heartbeat_interval(Duration::from_millis(500))
        .consumer_session_timeout(Duration::from_secs(6))
}

async fn start(
    name: &'static str,
    builder: EmbeddedBrokerBuilder,
    directory: Option<TempDir>,
) -> Target {
    let broker = builder.start().await.expect("the embedded broker starts");
    Target {
        name,
        address: broker.bootstrap_servers(),
        _embedded: Some(broker),
        _directory: directory,
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs a case on every broker, on all of them also when it fails on one.
pub async fn each(case: &str, run: impl for<'a> Fn(&'a Target) -> Running<'a>) {
    let brokers = brokers(case).await;
    let runs = brokers
        .iter()
        .map(|target| AssertUnwindSafe(run(target)).catch_unwind());
    let results = join_all(runs).await;
    let failed = brokers.iter().zip(results);
    let failed: Vec<_> = failed
        .filter_map(|(target, result)| result.is_err().then_some(target.name))
        .collect();
    assert!(failed.is_empty(), "{case} failed on {}", failed.join(", "));
}

/// Asks again until there is an answer.
///
/// # Panics
/// After 30 seconds, with what was asked for.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
