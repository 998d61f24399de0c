use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use kafka_integration::admin::{Cluster, NewTopic};
use kafka_integration::embedded::EmbeddedBroker;
use kafka_integration::management::{KafkaCommand, Management};
use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;

/// No command that a test runs takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A broker to test against.
pub(crate) struct Broker {
    pub(crate) address: String,
    _embedded: Option<EmbeddedBroker>,
}

/// The embedded broker, and Apache Kafka where there is one.
pub(crate) async fn brokers() -> Vec<Broker> {
    let embedded = EmbeddedBroker::builder().start().await.expect("a broker");
    let mut brokers = vec![Broker {
        address: embedded.bootstrap_servers(),
        _embedded: Some(embedded),
    }];
    match std::env::var("KAFKA_TEST_BOOTSTRAP") {
        Ok(address) => brokers.push(Broker {
            address,
            _embedded: None,
        }),
        Err(_) => eprintln!("skipped on Apache Kafka: KAFKA_TEST_BOOTSTRAP is not set"),
    }
    brokers
}

impl Broker {
    pub(crate) fn settings(&self) -> Settings {
        Settings::with_bootstrap_servers(&self.address)
    }

    pub(crate) fn kafka(&self) -> Kafka {
        let builder = Kafka::builder().settings(self.settings());
        builder.build().expect("a handle")
    }

    /// A new topic with one message in partition 0, `first`.
    pub(crate) async fn topic(&self, partitions: i32) -> String {
        let name = unique("orders");
        let cluster = Cluster::connect(&self.kafka(), None).await;
        let topic = NewTopic::new(&name).partitions(partitions);
        let created = cluster.expect("it answers").create(topic).await;
        created.expect("it is created");
        let first = [
            "kafka-produce",
            &name,
            "--value",
            "first",
            "--partition",
            "0",
        ];
        assert_eq!(run(self, &first).await.code, 0);
        name
    }
}

/// A name that no other test has, in this run or an earlier one.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = Timestamp::now().as_millis();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{now}-{}-{number}", std::process::id())
}

#[derive(Parser)]
enum App {
    #[command(flatten)]
    Kafka(KafkaCommand),
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) output: String,
    /// Notices and the error.
    pub(crate) notices: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The lines of output, each as JSON.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.output.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("text")
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn run(broker: &Broker, arguments: &[&str]) -> Ran {
    run_with(broker, Registry::new(), arguments).await
}

pub(crate) async fn run_with(broker: &Broker, registry: Registry, arguments: &[&str]) -> Ran {
    let management = Management::new()
        .settings(broker.settings())
        .registry(registry);
    execute(management, arguments).await
}

pub(crate) async fn execute(management: Management, arguments: &[&str]) -> Ran {
    let (output, notices) = (Captured::default(), Captured::default());
    let management = management.output(output.clone()).notices(notices.clone());
    let (code, error) = end(management, arguments).await;
    Ran {
        code,
        output: output.text(),
        notices: notices.text() + &error,
    }
}

/// The exit code and the error of a command.
pub(crate) async fn end(management: Management, arguments: &[&str]) -> (u8, String) {
    let command = std::iter::once("app").chain(arguments.iter().copied());
    let App::Kafka(command) = App::try_parse_from(command).unwrap_or_else(|e| panic!("{e}"));
    let executed = management.execute(command, async |kafka| Ok(kafka));
    match tokio::time::timeout(PATIENCE, executed).await {
        Ok(Ok(())) => (0, String::new()),
        Ok(Err(error)) => (error.code(), error.to_string()),
        Err(_) => panic!("{arguments:?} does not end"),
    }
}

/// Whether clap takes these arguments.
pub(crate) fn parses(arguments: &[&str]) -> Result<(), String> {
    let command = std::iter::once("app").chain(arguments.iter().copied());
    match App::try_parse_from(command) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A consumer that takes text from a topic and does nothing with it.
pub(crate) fn consumer(name: &str, group: &str, topic: &str) -> ConsumerSpec {
    ConsumerSpec::new(name, group).topic(Ignored(topic.to_owned()))
}

struct Ignored(String);

impl Topic for Ignored {
    type Key = String;
    type Value = String;
    type Codec = Text;

    fn name(&self) -> &str {
        &self.0
    }
}

impl Consume for Ignored {
    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

pub(crate) fn registry(consumers: impl IntoIterator<Item = ConsumerSpec>) -> Registry {
    let mut registry = Registry::new();
    for consumer in consumers {
        registry.add(consumer);
    }
    registry
}
