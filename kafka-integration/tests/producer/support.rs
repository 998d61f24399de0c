use std::future::Future;
use std::sync::{Mutex, Once, mpsc};
use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;
use kafka_integration::settings::Settings;
use kafka_integration_broker::{
    ApiKey, EmbeddedBroker, EmbeddedBrokerBuilder, FaultBuilder, Faults,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _, DefaultConsumerContext};
use rdkafka::message::{Message as _, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

/// Partitions of the topics that tests create.
pub(crate) const PARTITIONS: i32 = 4;

/// No test waits longer than this for what it expects.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker on a thread of its own: these tests block theirs.
pub(crate) struct Cluster {
    address: String,
    faults: Faults,
    // Dropped, it ends the thread.
    _stop: oneshot::Sender<()>,
}

/// A broker that makes the topic `orders` when it is asked for.
pub(crate) fn cluster() -> Cluster {
    Cluster::start(EmbeddedBroker::builder().default_partitions(PARTITIONS as u16))
}

impl Cluster {
    pub(crate) fn start(builder: EmbeddedBrokerBuilder) -> Self {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let broker = builder.start().await.expect("the broker starts");
                let told = (broker.bootstrap_servers(), broker.faults());
                tell.send(told).expect("the test waits");
                let _ = stopped.await;
                broker.stop().await;
            });
        });
        let (address, faults) = told.recv().expect("the broker starts");
        Self {
            address,
            faults,
            _stop: stop,
        }
    }

    pub(crate) fn bootstrap_servers(&self) -> String {
        self.address.clone()
    }

    /// What goes wrong with Produce requests from now on.
    pub(crate) fn on_produce(&self) -> FaultBuilder {
        self.faults.on(ApiKey::Produce)
    }
}

/// A handle whose producer has those properties.
pub(crate) fn kafka(address: &str, producer: &[(&str, &str)]) -> Kafka {
    let mut settings = Settings::with_bootstrap_servers(address);
    for (name, value) in producer {
        settings.cluster.producer_config.set(*name, *value);
    }
    Kafka::builder().settings(settings).build().expect("handle")
}

/// An address where nobody listens.
pub(crate) const NOWHERE: &str = "127.0.0.1:1";

/// Text records on `orders`; the hook stamps them, and refuses the forbidden.
#[derive(Clone, Copy)]
pub(crate) struct Orders;

impl Topic for Orders {
    type Key = String;
    type Value = String;
    type Codec = Text;

    fn name(&self) -> &str {
        "orders"
    }

    fn before_produce(&self, record: &mut Outgoing) -> Result<(), ProduceError> {
        if record.payload.as_deref() == Some(b"forbidden") {
            return Err(ProduceError::refused("forbidden words"));
        }
        record.headers.insert("stamped", "yes");
        Ok(())
    }
}

/// A topic of any name.
pub(crate) struct Named(pub(crate) &'static str);

impl Topic for Named {
    type Key = String;
    type Value = String;
    type Codec = Text;

    fn name(&self) -> &str {
        self.0
    }
}

pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

/// Reads `orders` until it has that many records.
pub(crate) fn read_orders(cluster: &Cluster, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer<DefaultConsumerContext> = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "reader")
        .create()
        .expect("consumer");
    let mut from = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        from.add_partition_offset("orders", partition, Offset::Beginning)
            .expect("partition");
    }
    consumer.assign(&from).expect("assignment");
    let start = std::time::Instant::now();
    let mut records = Vec::new();
    while records.len() < count {
        assert!(
            start.elapsed() < PATIENCE,
            "{} of {count} came",
            records.len()
        );
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            records.push(message.detach());
        }
    }
    records
}

pub(crate) fn value(message: &OwnedMessage) -> &str {
    std::str::from_utf8(message.payload().expect("a value")).expect("text")
}

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().expect("log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps errors that are logged from here on.
pub(crate) fn keep_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::ERROR)
            .with_writer(|| Log)
            .init();
    });
}

/// Waits until a line with all of those words was logged.
pub(crate) async fn logged(words: &[&str]) {
    soon("the log line", async {
        loop {
            let log = String::from_utf8_lossy(&LOGGED.lock().expect("log")).into_owned();
            if log
                .lines()
                .any(|line| words.iter().all(|word| line.contains(word)))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
