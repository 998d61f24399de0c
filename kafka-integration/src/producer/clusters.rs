use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientConfig;

use super::client::Producer;
use crate::KafkaError;

/// What the default cluster is called where a name is needed.
const DEFAULT_CLUSTER: &str = "default";

/// What the producer of a cluster's moved messages is called.
fn moves_of(cluster: &str) -> String {
    format!("{cluster} (retries and dead letters)")
}

/// The producers of a [`Kafka`](crate::Kafka), made when they are first needed:
/// one per cluster for the application, and one for messages that move to
/// retry and dead-letter topics.
pub(crate) struct Producers(Mutex<State>);

#[derive(Default)]
struct State {
    /// By the name of the cluster, or [`moves_of`] it.
    made: HashMap<String, Producer>,
    shut_down: bool,
}

/// How many records a flush left undelivered, per cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Undelivered records by the cluster's name (`default` for the one
    /// without); every cluster that was produced to is in it. Messages on their
    /// way to retry and dead-letter topics stand apart, as `default (retries
    /// and dead letters)`: they are not lost, but will be consumed again.
    pub undelivered: BTreeMap<String, u64>,
}

impl FlushReport {
    /// Undelivered records of all clusters.
    pub fn total(&self) -> u64 {
        self.undelivered.values().sum()
    }

    /// Whether everything was delivered, or told its caller that it failed.
    pub fn is_complete(&self) -> bool {
        self.total() == 0
    }
}

impl fmt::Display for FlushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records not delivered", self.total())?;
        for (cluster, records) in self.undelivered.iter().filter(|(_, records)| **records > 0) {
            write!(f, ", {records} of cluster {cluster}")?;
        }
        Ok(())
    }
}

impl Producers {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::default()))
    }

    /// The producer of that cluster, made when there is none or the one there
    /// has failed for good.
    pub(crate) fn get(
        &self,
        cluster: Option<&str>,
        config: impl FnOnce() -> Result<ClientConfig, KafkaError>,
    ) -> Result<Producer, KafkaError> {
        self.named(cluster.unwrap_or(DEFAULT_CLUSTER), config)
    }

    /// The producer of that cluster's moved messages, made likewise.
    pub(crate) fn get_for_moves(
        &self,
        cluster: Option<&str>,
        config: impl FnOnce() -> Result<ClientConfig, KafkaError>,
    ) -> Result<Producer, KafkaError> {
        self.named(&moves_of(cluster.unwrap_or(DEFAULT_CLUSTER)), config)
    }

    fn named(
        &self,
        name: &str,
        config: impl FnOnce() -> Result<ClientConfig, KafkaError>,
    ) -> Result<Producer, KafkaError> {
        let mut state = self.0.lock();
        if state.shut_down {
            return Err(KafkaError::ShutDown);
        }
        if let Some(producer) = state.made.get(name)
            && !producer.has_failed()
        {
            return Ok(producer.clone());
        }
        let producer = Producer::start(name, config()?).map_err(|source| KafkaError::Producer {
            cluster: name.to_owned(),
            source,
        })?;
        state.made.insert(name.to_owned(), producer.clone());
        Ok(producer)
    }

    /// Waits until everything queued is reported, at most for `timeout`.
    pub(crate) async fn flush(&self, timeout: Duration) -> FlushReport {
        let producers: Vec<_> = self.0.lock().made.values().cloned().collect();
        flush_all(&producers, timeout).await
    }

    /// Takes nothing more, flushes, and gives up what is left.
    pub(crate) async fn shut_down(&self, timeout: Duration) -> FlushReport {
        let producers: Vec<_> = {
            let mut state = self.0.lock();
            state.shut_down = true;
            state.made.drain().map(|(_, producer)| producer).collect()
        };
        for producer in &producers {
            producer.close();
        }
        let report = flush_all(&producers, timeout).await;
        if !report.is_complete() {
            let purged = tokio::task::spawn_blocking(move || {
                for producer in &producers {
                    producer.purge();
                }
            });
            // It can only fail with the runtime itself going away.
            let _ = purged.await;
        }
        report
    }
}

async fn flush_all(producers: &[Producer], timeout: Duration) -> FlushReport {
    let deadline = Instant::now() + timeout;
    // All at once: one dead cluster must not take the time of the others.
    let flushes: Vec<_> = producers
        .iter()
        .map(|producer| {
            let producer = producer.clone();
            let flush = {
                let producer = producer.clone();
                move || producer.flush_blocking(deadline.saturating_duration_since(Instant::now()))
            };
            (producer, tokio::task::spawn_blocking(flush))
        })
        .collect();
    let mut report = FlushReport::default();
    for (producer, flush) in flushes {
        let undelivered = flush.await.unwrap_or_else(|_| producer.outstanding());
        if undelivered > 0 {
            tracing::error!(
                cluster = producer.cluster(),
                records = undelivered,
                "records were not delivered before the flush timed out"
            );
        }
        report
            .undelivered
            .insert(producer.cluster().to_owned(), undelivered);
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer::{Outgoing, ProduceError};

    fn idempotent() -> Result<ClientConfig, KafkaError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", "127.0.0.1:1")
            .set("enable.idempotence", "true");
        Ok(config)
    }

    #[tokio::test]
    async fn a_producer_that_failed_for_good_says_so_and_is_replaced() {
        let producers = Producers::new();
        let failed = producers.get(None, idempotent).expect("producer");
        let waiting = tokio::spawn({
            let producer = failed.clone();
            async move {
                let record = Outgoing::default();
                producer.send_outgoing("orders", &record).await
            }
        });
        while failed.outstanding() == 0 {
            tokio::task::yield_now().await;
        }
        failed.fail(c"lost its sequence");

        // What was on its way is told, what comes later is refused.
        let in_flight = waiting.await.expect("task");
        let error = in_flight.expect_err("given up");
        assert!(matches!(&error, ProduceError::Fatal { .. }), "{error:?}");
        let later = failed.send_outgoing("orders", &Outgoing::default()).await;
        let error = later.expect_err("the client refuses everything");
        assert!(matches!(&error, ProduceError::Fatal { .. }), "{error}");
        assert!(error.to_string().contains("lost its sequence"), "{error}");

        assert!(failed.has_failed());
        let fresh = producers.get(None, idempotent).expect("producer");
        assert!(!fresh.has_failed());
        let same = producers.get(None, idempotent).expect("producer");
        assert!(!same.has_failed());
    }

    #[tokio::test]
    async fn when_serving_the_reports_panics_everybody_is_told_and_a_new_producer_is_made() {
        let producers = Producers::new();
        let broken = producers.get(None, idempotent).expect("producer");
        let mut pipeline = broken.pipeline();
        let record = Outgoing::default();
        pipeline.send("orders", &record).await.expect("queued");
        let waiting = tokio::spawn({
            let producer = broken.clone();
            async move { producer.send_outgoing("orders", &Outgoing::default()).await }
        });
        while broken.outstanding() < 2 {
            tokio::task::yield_now().await;
        }
        broken
            .context()
            .panics
            .store(true, std::sync::atomic::Ordering::SeqCst);
        // Makes reports, which are lost with the panic.
        broken.purge();

        let patience = Duration::from_secs(20);
        let told = tokio::time::timeout(patience, waiting).await;
        let error = told.expect("told").expect("task").expect_err("given up");
        assert!(matches!(&error, ProduceError::Fatal { .. }), "{error:?}");
        assert!(error.to_string().contains("asked for by a test"), "{error}");
        let finished = tokio::time::timeout(patience, pipeline.finish()).await;
        let error = finished.expect("told").expect_err("given up");
        assert_eq!(error.failed, 1, "{error}");
        let later = broken.send_outgoing("orders", &record).await;
        assert!(
            matches!(later, Err(ProduceError::Fatal { .. })),
            "{later:?}"
        );
        let fresh = producers.get(None, idempotent).expect("producer");
        assert!(!fresh.has_failed());
    }

    #[tokio::test]
    async fn each_cluster_has_its_own_producer_and_the_default_one_a_name() {
        let producers = Producers::new();
        let east = producers.get(Some("east"), idempotent).expect("producer");
        let default = producers.get(None, idempotent).expect("producer");
        assert_eq!((east.cluster(), default.cluster()), ("east", "default"));
        let report = producers.flush(Duration::ZERO).await;
        assert_eq!(report.undelivered.len(), 2);
        assert!(report.is_complete());
        let report = producers.shut_down(Duration::ZERO).await;
        assert_eq!(report.to_string(), "0 records not delivered");
        let refused = producers.get(Some("east"), idempotent);
        assert!(matches!(refused, Err(KafkaError::ShutDown)));
    }

    #[tokio::test]
    async fn moved_messages_have_a_producer_of_their_own_that_ends_with_the_others() {
        let producers = Producers::new();
        let moves = producers
            .get_for_moves(None, idempotent)
            .expect("a producer");
        producers.get(None, idempotent).expect("a producer");
        let name = "default (retries and dead letters)";
        assert_eq!(moves.cluster(), name);
        let waiting = tokio::spawn({
            let moves = moves.clone();
            async move { moves.send_outgoing("orders", &Outgoing::default()).await }
        });
        while moves.outstanding() == 0 {
            tokio::task::yield_now().await;
        }
        let report = producers.shut_down(Duration::ZERO).await;
        assert_eq!(report.undelivered[name], 1);
        assert_eq!(report.undelivered["default"], 0);
        let given_up = waiting.await.expect("task").expect_err("given up");
        assert!(
            matches!(given_up, ProduceError::Abandoned { .. }),
            "{given_up}"
        );
        let refused = producers.get_for_moves(None, idempotent);
        assert!(matches!(refused, Err(KafkaError::ShutDown)));
    }

    #[test]
    fn a_property_the_client_rejects_names_the_cluster() {
        let error = Producers::new()
            .get(Some("east"), || {
                let mut config = idempotent()?;
                config.set("linger.ms", "soon");
                Ok(config)
            })
            .expect_err("not a number");
        assert!(error.to_string().contains("cluster east"), "{error}");
    }
}
