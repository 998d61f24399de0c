//! The broker does not take a failed message where it should go: the message
//! stays, its lane stands, and it moves when the broker takes it.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_integration::embedded::{ApiKey, EmbeddedBroker, ErrorCode, FaultBuilder};
use kafka_integration::prelude::*;
use kafka_integration::runner::{ClientError, ErrorAction, ErrorHandler};
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Running, TestBroker, delete_topic, eventually, unique};

use super::notes::{
    Notes, alter_topic, committed, create_topic, dead_letters, logged, quick, retries, send, text,
    trail,
};
use crate::support::{KillableBroker, Random, heavy};

const PATIENCE: Duration = Duration::from_secs(60);

/// An error handler that keeps what it is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<ClientError>>>);

impl ErrorHandler for Told {
    fn handle(&self, error: &ClientError) -> ErrorAction {
        self.0.lock().expect("not poisoned").push(error.clone());
        ErrorAction::Continue
    }
}

impl Told {
    fn of(&self, target: &str) -> Option<ClientError> {
        let told = self.0.lock().expect("not poisoned");
        told.iter().find(|e| e.reason.contains(target)).cloned()
    }
}

/// A topic of two partitions and its consumer. A message of partition 0 fails;
/// where it should go is `target`.
struct Scenario {
    kafka: Kafka,
    address: String,
    topic: String,
    group: String,
    target: String,
    notes: Notes,
    told: Told,
}

impl Scenario {
    async fn new(address: &str, target: fn(&str, &str) -> String) -> Self {
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
    fn start(&self) -> Running {
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
            .config("reconnect.backoff.max.ms", "200")
            .retry(quick(3));
        Running::start(&self.kafka, [consumer])
    }

    async fn send(&self, partition: i32, it: &str) {
        send(&self.kafka, &self.topic, text(partition, "k", it)).await;
    }

    fn committed(&self, partition: i32) -> i64 {
        committed(&self.address, &self.group, &self.topic, partition)
    }

    /// The failed message, which is the first of its partition, stays; nothing
    /// behind it is handled, and everything else is.
    async fn stands(&self, running: &Running) {
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
    async fn flows(&self, running: Running, end: i64) {
        eventually("everything behind it", || self.notes.count("behind") == 20).await;
        eventually("all of it committed", || self.committed(0) == end).await;
        let status = &running.status.consumers()[0];
        assert!(status.stopped.is_empty(), "{:?}", status.stopped);
        assert_eq!(status.restarts, 0, "nobody was restarted");
        running.stop().await;
    }
}

fn first_retry_topic(group: &str, topic: &str) -> String {
    retries(group, topic, 1)
}

async fn embedded() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().auto_create_topics(false).start();
    broker.await.expect("the embedded broker starts")
}

/// Refused as the fault says, until it is lifted.
async fn refused<F: Future<Output = ()>>(
    it: &str,
    target: fn(&str, &str) -> String,
    fault: impl FnOnce(FaultBuilder) -> kafka_integration::embedded::Fault,
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

/// The flaky one has come by its retry topic.
async fn is_handled(scenario: Arc<Scenario>) {
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
}

/// The dead one is in the dead-letter topic.
async fn is_dead(scenario: Arc<Scenario>) {
    let letters = logged(&scenario.address, &scenario.target, 1).await;
    let trail = trail(&letters[0]);
    assert_eq!((&*trail.reason, trail.attempts), ("terminal", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_topic_that_is_not_authorised() {
    let fault = |on: FaultBuilder| {
        on.error(ErrorCode::TopicAuthorizationFailed)
            .expect("a fault")
    };
    refused("flaky", first_retry_topic, fault, is_handled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_topic_that_is_not_authorised() {
    let fault = |on: FaultBuilder| {
        on.error(ErrorCode::TopicAuthorizationFailed)
            .expect("a fault")
    };
    refused("dead", dead_letters, fault, is_dead).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_answer() {
    let fault = |on: FaultBuilder| on.silence().expect("a fault");
    refused(
        "flaky",
        first_retry_topic,
        fault,
        async |scenario: Arc<Scenario>| {
            // It may have come in twice, but it has come.
            eventually("it again", || scenario.notes.attempts("flaky").contains(&2)).await;
        },
    )
    .await;
}

/// The end does not wait for an answer that does not come, and takes nothing
/// for done.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_broker_does_not_answer() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), first_retry_topic).await;
    let running = scenario.start();
    let on = broker.faults().on(ApiKey::Produce);
    let fault = on.topic(&scenario.target).silence().expect("a fault");
    scenario.send(0, "flaky").await;
    let struck = tokio::time::timeout(PATIENCE, fault.hit(1)).await;
    struck.expect("the fault strikes in time");
    running.stop().await;
    assert_eq!(scenario.committed(0), 0, "it is not finished");
    fault.lift();

    let running = scenario.start();
    eventually("both attempts of a new start", || {
        scenario.notes.attempts("flaky").ends_with(&[1, 2])
    })
    .await;
    eventually("its commit", || scenario.committed(0) == 1).await;
    running.stop().await;
    broker.stop().await;
}

/// Answers that are lost a few times stop nothing, and double nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_does_not_double_the_message() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), first_retry_topic).await;
    let running = scenario.start();
    let on = broker.faults().on(ApiKey::Produce).topic(&scenario.target);
    let lost = on.times(2).lose_answer().expect("a fault");
    scenario.send(0, "flaky").await;
    let struck = tokio::time::timeout(PATIENCE, lost.hit(2)).await;
    struck.expect("the fault strikes in time");
    for number in 0..20 {
        scenario.send(0, &format!("behind {number}")).await;
    }
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
    logged(&scenario.address, &scenario.target, 1).await;
    scenario.flows(running, 21).await;
    broker.stop().await;
}

/// On its way from a retry topic, too, a message is not finished before it has
/// arrived.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_retry_topic_that_is_refused_stays_there() {
    let broker = embedded().await;
    let scenario = Scenario::new(&broker.bootstrap_servers(), dead_letters).await;
    let notes = Notes::default();
    let probe = notes.probe(&scenario.topic, |_| Err(ConsumeError::new("never")));
    let consumer = ConsumerSpec::new("Refused", &scenario.group)
        .topic(probe)
        .retry(quick(1));
    let on = broker.faults().on(ApiKey::Produce).topic(&scenario.target);
    let fault = on.error(ErrorCode::TopicAuthorizationFailed);
    let fault = fault.expect("a fault");
    let running = Running::start(&scenario.kafka, [consumer]);
    scenario.send(0, "hopeless").await;
    let stopped = || {
        let consumers = running.status.consumers();
        consumers
            .into_iter()
            .flat_map(|status| status.stopped)
            .next()
    };
    eventually("a message that stays", || stopped().is_some()).await;
    let retry_topic = retries(&scenario.group, &scenario.topic, 1);
    let message = stopped().expect("it stays");
    assert_eq!(message.topic, retry_topic);
    assert_eq!(message.target, scenario.target);
    eventually("word of it", || {
        scenario.told.of(&scenario.target).is_some()
    })
    .await;
    let group = format!("{}.retry", scenario.group);
    assert_eq!(committed(&scenario.address, &group, &retry_topic, 0), 0);
    fault.lift();
    let letters = logged(&scenario.address, &scenario.target, 1).await;
    assert_eq!(trail(&letters[0]).attempts, 2);
    eventually("its commit", || {
        committed(&scenario.address, &group, &retry_topic, 0) == 1
    })
    .await;
    running.stop().await;
    assert_eq!(notes.attempts("hopeless"), [1, 2]);
    broker.stop().await;
}

/// The retry topic takes less than the topic itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_for_its_retry_topic() {
    for broker in TestBroker::each("a_message_that_is_too_large_for_its_retry_topic") {
        let scenario = Scenario::new(broker.address(), first_retry_topic).await;
        let small = [("max.message.bytes", "10000")];
        create_topic(broker.address(), &scenario.target, 2, &small).await;
        let running = scenario.start();
        // Of which no compression makes less than the topic takes.
        let mut random = Random::new();
        let noise: String = (0..100_000)
            .map(|_| char::from(b'A' + random.below(26) as u8))
            .collect();
        let large = format!("flaky {noise}");
        scenario.send(0, &large).await;
        scenario.stands(&running).await;
        alter_topic(
            broker.address(),
            &scenario.target,
            "max.message.bytes",
            "1000000",
        )
        .await;
        eventually("it again", || scenario.notes.attempts(&large) == [1, 2]).await;
        scenario.flows(running, 21).await;
    }
}

/// Deleted while the consumer runs, and not to be made again.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_topic_that_was_deleted() {
    let broker = embedded().await;
    let address = broker.bootstrap_servers();
    let mut scenario = Scenario::new(&address, first_retry_topic).await;
    let mut settings = scenario.kafka.settings().clone();
    settings.cluster.create_retry_topics = false;
    let builder = Kafka::builder().settings(settings);
    let kafka = builder.error_handler("told", scenario.told.clone()).build();
    scenario.kafka = kafka.expect("the settings are good");
    create_topic(&address, &scenario.target, 2, &[]).await;
    let running = scenario.start();
    // It has been used, and is known to be there.
    scenario.send(1, "flaky first").await;
    eventually("the first one again", || {
        scenario.notes.attempts("flaky first") == [1, 2]
    })
    .await;
    delete_topic(&address, &scenario.target).await;
    scenario.send(0, "flaky").await;
    let stopped = || running.status.consumers()[0].stopped.clone();
    eventually("a lane that stands", || !stopped().is_empty()).await;
    assert_eq!(stopped()[0].target, scenario.target);
    assert_eq!(scenario.committed(0), 0, "it is not finished");
    create_topic(&address, &scenario.target, 2, &[]).await;
    eventually("it again", || scenario.notes.attempts("flaky") == [1, 2]).await;
    eventually("its commit", || scenario.committed(0) == 1).await;
    running.stop().await;
    broker.stop().await;
}

/// Killed between the failure and the acknowledgement.
#[test]
fn a_broker_that_is_killed() {
    let test = "a_broker_that_is_killed";
    let _alone = heavy();
    for start in KillableBroker::each(test) {
        let broker = start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async { tokio::spawn(is_killed(broker)).await.expect("it holds") });
    }
}

async fn is_killed(mut broker: KillableBroker) {
    let scenario = Scenario::new(broker.address(), first_retry_topic).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let probe = {
        let (gate, notes) = (Arc::clone(&gate), scenario.notes.clone());
        let noting = Arc::new(notes.probe(&scenario.topic, |seen| match seen.attempt {
            1 => Err(ConsumeError::new("as asked")),
            _ => Ok(()),
        }));
        kafka_integration_tests::Probe::new(&scenario.topic, move |message, cx| {
            let (gate, noting) = (Arc::clone(&gate), Arc::clone(&noting));
            async move {
                if cx.attempt() == 1 {
                    gate.acquire().await?.forget();
                }
                noting.call(message, &cx).await
            }
        })
    };
    let consumer = ConsumerSpec::new("Killed", &scenario.group)
        .topic(probe)
        .config("reconnect.backoff.max.ms", "200")
        .retry(quick(3));
    let running = Running::start(&scenario.kafka, [consumer]);
    scenario.send(0, "flaky").await;
    eventually("the handler at work", || {
        running.status.consumers()[0].in_flight == 1
    })
    .await;
    broker.kill();
    gate.add_permits(100);
    eventually("a message that stays", || {
        !running.status.consumers()[0].stopped.is_empty()
    })
    .await;
    broker.restart();
    eventually("it again", || scenario.notes.attempts("flaky").contains(&2)).await;
    eventually("its commit", || scenario.committed(0) == 1).await;
    running.stop().await;
}
