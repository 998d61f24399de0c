//! The broker does not take a failed message where it should go: the message
//! stays, its lane stands, and it moves when the broker takes it.

mod answers;
mod lanes;
mod topics;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::embedded::{ApiKey, EmbeddedBroker, Fault, FaultBuilder};
use kafka_integration::prelude::*;
use kafka_integration::runner::{ClientError, ErrorAction, ErrorHandler};
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Running, eventually, unique};

use super::notes::{Notes, committed, create_topic, quick, retries, send, text};

/// An error handler that keeps what it is told.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<Vec<ClientError>>>);

impl ErrorHandler for Told {
    fn handle(&self, error: &ClientError) -> ErrorAction {
        self.0.lock().expect("not poisoned").push(error.clone());
        ErrorAction::Continue
    }
}

impl Told {
    pub(super) fn of(&self, target: &str) -> Option<ClientError> {
        let told = self.0.lock().expect("not poisoned");
        told.iter().find(|e| e.reason.contains(target)).cloned()
    }
}

/// A topic of two partitions and its consumer. A message of partition 0 fails;
/// where it should go is `target`.
pub(super) struct Scenario {
    pub(super) kafka: Kafka,
    pub(super) address: String,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) target: String,
    pub(super) notes: Notes,
    pub(super) told: Told,
}

impl Scenario {
    pub(super) async fn new(address: &str, target: fn(&str, &str) -> String) -> Self {
        let (topic, group) = (unique("refused"), unique("refused"));
        create_topic(address, &topic, 2, &[]).await;
        let mut settings = Settings::with_bootstrap_servers(address);
        let told = Told::default();
        let cluster = &mut settings.cluster;
        cluster.error_handler = "told".to_owned();
        cluster.shutdown_timeout = Duration::from_secs(10);
        cluster.producer_config.set("linger.ms", "0");
        // What is not acknowledged is noticed soon.
        cluster.producer_config.set("message.timeout.ms", "1500");
        let builder = Kafka::builder().settings(settings);
        let kafka = builder.error_handler("told", told.clone()).build();
        Self {
            kafka: kafka.expect("the settings are good"),
            address: address.to_owned(),
            target: target(&group, &topic),
            topic,
            group,
            notes: Notes::default(),
            told,
        }
    }

    /// "flaky" fails once, "dead" for good; the others don't fail.
    pub(super) fn start(&self) -> Running {
        self.start_ordered(Ordering::Partition)
    }

    pub(super) fn start_ordered(&self, ordering: Ordering) -> Running {
        let probe = self.notes.probe(&self.topic, |seen| {
            let error = ConsumeError::new("as asked");
            match (seen.text().split(' ').next(), seen.attempt) {
                (Some("flaky"), 1) => Err(error),
                (Some("dead"), _) => Err(error.terminal()),
                _ => Ok(()),
            }
        });
        let consumer = ConsumerSpec::new("Refused", &self.group)
            .topic(probe)
            .concurrency(4)
            .ordering(ordering)
            .config("reconnect.backoff.max.ms", "200")
            .retry(quick(3));
        Running::start(&self.kafka, [consumer])
    }

    pub(super) async fn send(&self, partition: i32, it: &str) {
        send(&self.kafka, &self.topic, text(partition, "k", it)).await;
    }

    pub(super) fn committed(&self, partition: i32) -> i64 {
        committed(&self.address, &self.group, &self.topic, partition)
    }

    /// The failed message, which is the first of its partition, stays; nothing
    /// behind it is handled, and everything else is.
    pub(super) async fn stands(&self, running: &Running) {
        let stopped = || running.status.consumers()[0].stopped.clone();
        eventually("a lane that stands", || !stopped().is_empty()).await;
        let message = stopped().remove(0);
        assert_eq!(message.topic, self.topic);
        assert_eq!((message.partition, message.offset), (0, 0));
        assert_eq!(message.target, self.target);
        eventually("word of it", || self.told.of(&self.target).is_some()).await;

        // The lane stands by now: what comes behind is not begun.
        for number in 0..20 {
            self.send(0, &format!("behind {number}")).await;
            self.send(1, &format!("beside {number}")).await;
        }
        eventually("the other lane", || self.notes.count("beside") == 20).await;
        eventually("the other lane's commit", || self.committed(1) == 20).await;
        assert_eq!(self.notes.count("behind"), 0, "its lane stands");
        assert_eq!(self.committed(0), 0, "it is not finished");
        assert_eq!(stopped().len(), 1);
    }

    /// It moves, and everything behind it is handled.
    pub(super) async fn flows(&self, running: Running, end: i64) {
        eventually("everything behind it", || self.notes.count("behind") == 20).await;
        eventually("all of it committed", || self.committed(0) == end).await;
        let status = &running.status.consumers()[0];
        assert!(status.stopped.is_empty(), "{:?}", status.stopped);
        assert_eq!(status.restarts, 0, "nobody was restarted");
        running.stop().await;
    }
}

pub(super) fn first_retry_topic(group: &str, topic: &str) -> String {
    retries(group, topic, 1)
}

pub(super) async fn embedded() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().auto_create_topics(false).start();
    broker.await.expect("the embedded broker starts")
}

/// Refused as the fault says, until it is lifted.
pub(super) async fn refused<F: Future<Output = ()>>(
    it: &str,
    target: fn(&str, &str) -> String,
    fault: impl FnOnce(FaultBuilder) -> Fault,
    arrived: impl FnOnce(Arc<Scenario>) -> F,
) {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), target).await;
    let scenario = Arc::new(scenario);
    let running = scenario.start();
    let on = broker.faults().on(ApiKey::Produce);
    let fault = fault(on.topic(&scenario.target));
    scenario.send(0, it).await;
    scenario.stands(&running).await;
    assert!(fault.hits() > 0);
    fault.lift();
    arrived(Arc::clone(&scenario)).await;
    scenario.flows(running, 21).await;
    broker.stop().await;
}
