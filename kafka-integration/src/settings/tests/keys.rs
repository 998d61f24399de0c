//! Every key reaches its field or the client, from a file and from the
//! environment.

use std::time::Duration;

use super::{from_file, from_variables, refused_toml};
use crate::consumer::Ordering;
use crate::retry::{ErrorClass, RetryPolicy};
use crate::settings::{ClientKind, ClusterSettings, EmbeddedBrokerSettings, Loader, Settings};

/// The same settings twice: as TOML and as variables.
const EVERYTHING: &str = r#"
bootstrap_servers = "kafka:9092"
client_id = "shop"
polling_frequency = "250ms"
error_handler = "pager"
shutdown_timeout = "2min"
concurrency = 64
ordering = "key"
max_in_flight = 500
max_in_flight_bytes = "1MiB"
max_uncommitted = 2000
commit_interval = "1s"
retry_topic_suffix = "again"
dead_letter_topic_suffix = "dead"
create_retry_topics = false

[retry]
max_retries = 5
delay = "10ms"
factor = 3
max_delay = "5s"
jitter = 0.25
include = ["sqlx::Error", "Timeout"]
exclude = ["Declined"]
blocking = true
preserve_order = true
log_every = 10

[global_config]
"socket.keepalive.enable" = true
"statistics.interval.ms" = 5000

[producer_config]
"linger.ms" = 12.5
"compression.type" = "lz4"

[consumer_config]
fetch.min.bytes = 1000
isolation.level = "read_uncommitted"

[retry_consumer_config]
fetch.min.bytes = 1
"#;

const EVERY_VARIABLE: [(&str, &str); 31] = [
    ("KAFKA__BOOTSTRAP_SERVERS", "kafka:9092"),
    ("KAFKA__CLIENT_ID", "shop"),
    ("KAFKA__POLLING_FREQUENCY", "250ms"),
    ("KAFKA__ERROR_HANDLER", "pager"),
    ("KAFKA__SHUTDOWN_TIMEOUT", "2min"),
    ("KAFKA__CONCURRENCY", "64"),
    ("KAFKA__ORDERING", "key"),
    ("KAFKA__MAX_IN_FLIGHT", "500"),
    ("KAFKA__MAX_IN_FLIGHT_BYTES", "1MiB"),
    ("KAFKA__MAX_UNCOMMITTED", "2000"),
    ("KAFKA__COMMIT_INTERVAL", "1s"),
    ("KAFKA__RETRY_TOPIC_SUFFIX", "again"),
    ("KAFKA__DEAD_LETTER_TOPIC_SUFFIX", "dead"),
    ("KAFKA__CREATE_RETRY_TOPICS", "False"),
    ("KAFKA__RETRY__MAX_RETRIES", "5"),
    ("KAFKA__RETRY__DELAY", "10ms"),
    ("KAFKA__RETRY__FACTOR", "3"),
    ("KAFKA__RETRY__MAX_DELAY", "5s"),
    ("KAFKA__RETRY__JITTER", "0.25"),
    ("KAFKA__RETRY__INCLUDE", "sqlx::Error, Timeout"),
    ("KAFKA__RETRY__EXCLUDE", "Declined"),
    ("KAFKA__RETRY__BLOCKING", "true"),
    ("KAFKA__RETRY__PRESERVE_ORDER", "TRUE"),
    ("KAFKA__RETRY__LOG_EVERY", "10"),
    ("KAFKA__GLOBAL_CONFIG__SOCKET_KEEPALIVE_ENABLE", "true"),
    ("KAFKA__GLOBAL_CONFIG__STATISTICS_INTERVAL_MS", "5000"),
    ("KAFKA__PRODUCER_CONFIG__LINGER_MS", "12.5"),
    ("KAFKA__PRODUCER_CONFIG__COMPRESSION_TYPE", "lz4"),
    ("KAFKA__CONSUMER_CONFIG__FETCH_MIN_BYTES", "1000"),
    (
        "KAFKA__CONSUMER_CONFIG__ISOLATION_LEVEL",
        "read_uncommitted",
    ),
    ("KAFKA__RETRY_CONSUMER_CONFIG__FETCH_MIN_BYTES", "1"),
];

fn assert_everything(cluster: &ClusterSettings) {
    assert_eq!(cluster.bootstrap_servers.as_deref(), Some("kafka:9092"));
    assert_eq!(cluster.client_id, "shop");
    assert_eq!(cluster.polling_frequency, Duration::from_millis(250));
    assert_eq!(cluster.error_handler, "pager");
    assert_eq!(cluster.shutdown_timeout, Duration::from_secs(120));
    assert_eq!(cluster.concurrency.get(), 64);
    assert_eq!(cluster.ordering, Ordering::Key);
    assert_eq!(cluster.max_in_flight.get(), 500);
    assert_eq!(cluster.max_in_flight_bytes, 1 << 20);
    assert_eq!(cluster.max_uncommitted.get(), 2_000);
    assert_eq!(cluster.commit_interval, Duration::from_secs(1));
    let policy = RetryPolicy {
        max_retries: Some(5),
        delay: Duration::from_millis(10),
        factor: 3.0,
        max_delay: Duration::from_secs(5),
        jitter: 0.25,
        include: ["sqlx::Error", "Timeout"].map(ErrorClass::named).to_vec(),
        exclude: vec![ErrorClass::named("Declined")],
        blocking: Some(true),
        preserve_order: true,
        log_every: 10,
    };
    assert_eq!(cluster.retry, policy);
    assert_eq!(cluster.retry_topic_suffix, "again");
    assert_eq!(cluster.dead_letter_topic_suffix, "dead");
    assert!(!cluster.create_retry_topics);
    assert!(cluster.embedded_broker.is_none());

    let expected = [
        (
            ClientKind::Producer,
            [
                ("client.id", Some("shop")),
                ("bootstrap.servers", Some("kafka:9092")),
                ("socket.keepalive.enable", Some("true")),
                ("statistics.interval.ms", Some("5000")),
                ("linger.ms", Some("12.5")),
                ("compression.type", Some("lz4")),
                ("fetch.min.bytes", None),
                ("isolation.level", None),
            ],
        ),
        (
            ClientKind::Consumer,
            [
                ("client.id", Some("shop")),
                ("bootstrap.servers", Some("kafka:9092")),
                ("socket.keepalive.enable", Some("true")),
                ("statistics.interval.ms", Some("5000")),
                ("linger.ms", None),
                ("compression.type", None),
                ("fetch.min.bytes", Some("1000")),
                ("isolation.level", Some("read_uncommitted")),
            ],
        ),
        (
            ClientKind::RetryConsumer,
            [
                ("client.id", Some("shop")),
                ("bootstrap.servers", Some("kafka:9092")),
                ("socket.keepalive.enable", Some("true")),
                ("statistics.interval.ms", Some("5000")),
                ("linger.ms", None),
                ("compression.type", None),
                ("fetch.min.bytes", Some("1")),
                ("isolation.level", Some("read_uncommitted")),
            ],
        ),
    ];
    for (kind, properties) in expected {
        let config = cluster
            .client_config(kind, &[])
            .expect("the settings are right");
        for (name, value) in properties {
            assert_eq!(config.get(name), value, "{kind} {name}");
        }
        config.create_native_config().expect("librdkafka takes it");
    }
}

#[test]
fn every_key_of_a_file_takes_effect() {
    assert_everything(&from_file(EVERYTHING).cluster);
}

#[test]
fn every_variable_takes_effect() {
    assert_everything(&from_variables(&EVERY_VARIABLE).cluster);
}

#[test]
fn variables_know_no_case() {
    let lower = EVERY_VARIABLE.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let lower: Vec<_> = lower
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_everything(&from_variables(&lower).cluster);
}

#[test]
fn a_named_cluster_has_every_key_too() {
    let text = format!("bootstrap_servers = \"other:9092\"\n[clusters.eu]\n{EVERYTHING}");
    let text = [
        "retry",
        "global_config",
        "producer_config",
        "consumer_config",
        "retry_consumer_config",
    ]
    .into_iter()
    .fold(text, |text, table| {
        text.replace(&format!("[{table}]"), &format!("[clusters.eu.{table}]"))
    });
    let settings = from_file(&text);
    assert_everything(settings.cluster(Some("eu")).expect("it is there"));
    assert_eq!(settings.cluster.concurrency.get(), 1);

    let mut variables = vec![("KAFKA__BOOTSTRAP_SERVERS".to_owned(), "other:9092")];
    variables.extend(
        EVERY_VARIABLE
            .map(|(name, value)| (name.replace("KAFKA__", "KAFKA__CLUSTERS__EU__"), value)),
    );
    let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let settings = from_variables(&variables);
    assert_everything(settings.cluster(Some("eu")).expect("it is there"));
}

#[test]
fn embedded_broker_is_a_key() {
    let on = Some(EmbeddedBrokerSettings::default());
    let variables = [
        ("KAFKA__EMBEDDED_BROKER", "TRUE"),
        ("KAFKA_PROFILE", "test"),
    ];
    for settings in [
        from_file("embedded_broker = true"),
        from_variables(&variables),
        from_file("embedded_broker = {}"),
    ] {
        assert_eq!(settings.cluster.embedded_broker, on);
    }
}

#[test]
fn embedded_broker_has_keys_of_its_own() {
    let in_data = |port| {
        let embedded = EmbeddedBrokerSettings::in_directory("data");
        Some(EmbeddedBrokerSettings { port, ..embedded })
    };
    let embedded = |settings: Settings| settings.cluster.embedded_broker;
    let file = "embedded_broker = { data_dir = \"data\", port = 9092 }";
    assert_eq!(embedded(from_file(file)), in_data(9092));
    let file = "[embedded_broker]\ndata_dir = \"data\"";
    assert_eq!(embedded(from_file(file)), in_data(0));
    let variables = [
        ("KAFKA__EMBEDDED_BROKER__DATA_DIR", "data"),
        ("KAFKA__EMBEDDED_BROKER__PORT", "9092"),
        ("KAFKA_PROFILE", "test"),
    ];
    assert_eq!(embedded(from_variables(&variables)), in_data(9092));
    // One variable over what the file says.
    for file in ["embedded_broker = true", "embedded_broker.port = 1"] {
        let settings = Loader::new().toml("kafka.toml", file);
        let settings = settings.variables([("KAFKA__EMBEDDED_BROKER__DATA_DIR", "data")]);
        let port = if file.contains("port") { 1 } else { 0 };
        let settings = settings.load().expect("they are right");
        assert_eq!(embedded(settings), in_data(port), "{file}");
    }
    for (wrong, told) in [
        (
            "port = 65536",
            "`embedded_broker.port` must be a port, 0 to 65535",
        ),
        ("data-dir = \"x\"", "did you mean `data_dir`?"),
    ] {
        let said = refused_toml(&format!("[embedded_broker]\n{wrong}"));
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn sizes_may_be_plain_numbers() {
    let size = |settings: Settings| settings.cluster.max_in_flight_bytes;
    assert_eq!(size(from_file("max_in_flight_bytes = 4096")), 4_096);
    assert_eq!(
        size(from_variables(&[("KAFKA__MAX_IN_FLIGHT_BYTES", "4096")])),
        4_096
    );
}

#[test]
fn properties_with_an_underscore_keep_it_in_the_environment() {
    let settings = from_variables(&[("KAFKA__GLOBAL_CONFIG__LOG_LEVEL", "7")]);
    assert_eq!(settings.cluster.global_config.get("log_level"), Some("7"));
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let cluster = Settings::default().cluster;
    assert!(cluster.client_id.ends_with("-rust") && cluster.client_id.len() > 5);
    assert_eq!(cluster.polling_frequency, Duration::from_secs(1));
    assert_eq!(cluster.error_handler, "log");
    assert_eq!(cluster.shutdown_timeout, Duration::from_secs(30));
    assert_eq!(cluster.concurrency.get(), 1);
    assert_eq!(cluster.ordering, Ordering::Partition);
    assert_eq!(cluster.max_in_flight.get(), 100_000);
    assert_eq!(cluster.max_in_flight_bytes, 64 << 20);
    assert_eq!(cluster.max_uncommitted.get(), 200_000);
    assert_eq!(cluster.commit_interval, Duration::from_millis(100));
    assert_eq!(cluster.retry, RetryPolicy::default());
    assert_eq!(cluster.retry_topic_suffix, "retry");
    assert_eq!(cluster.dead_letter_topic_suffix, "dlt");
    assert!(cluster.create_retry_topics && cluster.retry_consumer_config.is_empty());
    assert!(cluster.embedded_broker.is_some() && cluster.bootstrap_servers.is_none());
}
