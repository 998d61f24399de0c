use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kafka_integration::Kafka;
use kafka_integration::settings::{ClusterSettings, Settings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::embedded::InProcess;
use crate::kafka_or_skip;

/// How many partitions a test topic has.
pub const PARTITIONS: i32 = 4;

/// A broker to run a test on.
pub struct TestBroker {
    address: String,
    embedded: Option<InProcess>,
}

impl TestBroker {
    /// The embedded broker, and Apache Kafka when one is named. Says so when the
    /// test is not run on the latter.
    ///
    /// # Panics
    /// When the embedded broker does not start.
    pub fn each(test: &str) -> Vec<Self> {
        Self::with_kafka(Self::embedded(), test)
    }

    /// An embedded broker in memory; it ends with this value.
    ///
    /// # Panics
    /// When it does not start.
    pub fn embedded() -> Self {
        Self::in_process(InProcess::start(None))
    }

    /// The same as [`each`](Self::each), with the embedded broker's data on disk:
    /// for more than memory should hold.
    ///
    /// # Panics
    /// When the embedded broker does not start.
    pub fn each_on_disk(test: &str) -> Vec<Self> {
        let directory = tempfile::tempdir().expect("a directory for its data");
        let embedded = Self::in_process(InProcess::start(Some(directory)));
        Self::with_kafka(embedded, test)
    }

    fn in_process(embedded: InProcess) -> Self {
        Self {
            address: embedded.address().to_owned(),
            embedded: Some(embedded),
        }
    }

    fn with_kafka(embedded: Self, test: &str) -> Vec<Self> {
        log();
        let mut brokers = vec![embedded];
        brokers.extend(kafka_or_skip(test).map(|address| Self {
            address,
            embedded: None,
        }));
        brokers
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether this is Apache Kafka.
    pub fn is_kafka(&self) -> bool {
        self.embedded.is_none()
    }

    /// A new topic of [`PARTITIONS`] partitions; the name tells the test.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn topic(&self, test: &str) -> String {
        let name = unique(test);
        create_topic(&self.address, &name, PARTITIONS).await;
        name
    }

    /// Settings for this broker.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::with_bootstrap_servers(&self.address);
        let cluster = &mut settings.cluster;
        cluster.shutdown_timeout = Duration::from_secs(10);
        cluster.producer_config.set("linger.ms", "0");
        settings
    }

    /// A handle for this broker.
    ///
    /// # Panics
    /// Never with these settings.
    pub fn kafka(&self) -> Kafka {
        self.kafka_with(|_| {})
    }

    /// A handle for this broker, with settings of the default cluster changed.
    ///
    /// # Panics
    /// When they are refused then.
    pub fn kafka_with(&self, change: impl FnOnce(&mut ClusterSettings)) -> Kafka {
        let mut settings = self.settings();
        change(&mut settings.cluster);
        let builder = Kafka::builder().settings(settings);
        builder.build().expect("the settings are good")
    }
}

/// Shows the log of a failing test; `RUST_LOG` says how much.
fn log() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .try_init();
}

/// A name that no other test, process or run uses.
pub fn unique(test: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.subsec_nanos());
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{test}-{}-{nanos}-{number}", std::process::id())
}

/// Creates a topic.
///
/// # Panics
/// When it is refused.
pub async fn create_topic(address: &str, name: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()
        .expect("an admin client");
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    let results = admin
        .create_topics([&topic], &options)
        .await
        .expect("the broker answers");
    for result in results {
        result.expect("the topic is created");
    }
}

/// Deletes a topic.
///
/// # Panics
/// When it is refused.
pub async fn delete_topic(address: &str, name: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()
        .expect("an admin client");
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    let results = admin
        .delete_topics(&[name], &options)
        .await
        .expect("the broker answers");
    for result in results {
        result.expect("the topic is deleted");
    }
}
