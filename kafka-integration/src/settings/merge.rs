//! From the settings of a cluster to the configuration of one client.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::check::{self, Place};
use super::decode::ADDRESS_PROPERTIES;
use super::error::{SettingsError, SettingsProblem};
use super::source::property_key;
use super::{ClientKind, ClusterSettings, secrets};

/// What producers get unless their settings say otherwise.
const PRODUCER_DEFAULTS: [(&str, &str); 2] = [
    // A retry neither doubles a message nor overtakes an earlier one.
    ("enable.idempotence", "true"),
    // Acknowledged means: on every replica that is in sync.
    ("acks", "all"),
];

/// What consumers get unless their settings say otherwise.
const CONSUMER_DEFAULTS: [(&str, &str); 7] = [
    // The runner commits, and only what is finished.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A new group starts with what is there, instead of skipping it silently.
    ("auto.offset.reset", "earliest"),
    // How long fetching rests once the queue is full. A consumer empties the
    // queue long before librdkafka's second is over.
    ("fetch.queue.backoff.ms", "50"),
    // The queue of every consumer counts towards the process's memory.
    ("queued.max.messages.kbytes", "32768"),
    ("enable.partition.eof", "false"),
    // A topic that is created after its consumer started, and a new partition,
    // are found within ten seconds instead of five minutes.
    ("topic.metadata.refresh.interval.ms", "10000"),
];

/// What retry consumers get over `consumer_config`, unless
/// `retry_consumer_config` says otherwise.
const RETRY_CONSUMER_DEFAULTS: [(&str, &str); 2] = [
    // What was moved before they first ran would be skipped, and lost.
    ("auto.offset.reset", "earliest"),
    // Retry topics are created while the consumer runs.
    ("topic.metadata.refresh.interval.ms", "10000"),
];

/// librdkafka's second names, and the name that stands for both.
const ALIASES: [(&str, &str); 11] = [
    ("request.required.acks", "acks"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("compression.codec", "compression.type"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("max.in.flight.requests.per.connection", "max.in.flight"),
    ("fetch.message.max.bytes", "max.partition.fetch.bytes"),
    ("message.send.max.retries", "retries"),
    ("sasl.mechanisms", "sasl.mechanism"),
    (
        "sasl.oauthbearer.client.credentials.client.id",
        "sasl.oauthbearer.client.id",
    ),
    (
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.client.secret",
    ),
];

/// What `group.protocol=consumer` (KIP-848) leaves to the broker.
const CLASSIC_ONLY: [&str; 4] = [
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "group.protocol.type",
];

fn preferred(name: &str) -> &str {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    alias.map_or(name, |(_, preferred)| preferred)
}

/// The configuration, or everything that is wrong with it.
pub(crate) fn client_config(
    cluster: &ClusterSettings,
    kind: ClientKind,
    overrides: &[(String, String)],
) -> Result<ClientConfig, SettingsError> {
    let mut problems = Vec::new();
    // What the user sets, by preferred name, so that a higher layer wins
    // however it spells a property.
    let mut user: BTreeMap<String, String> = BTreeMap::new();
    let tables: &[&str] = match kind {
        ClientKind::Producer => &["global_config", "producer_config"],
        ClientKind::Consumer => &["global_config", "consumer_config"],
        ClientKind::RetryConsumer => &["global_config", "consumer_config", "retry_consumer_config"],
    };
    for (table, properties) in cluster.property_tables() {
        if !tables.contains(&table) {
            continue;
        }
        if table == "retry_consumer_config" {
            for (name, value) in RETRY_CONSUMER_DEFAULTS {
                user.insert(name.to_owned(), value.to_owned());
            }
        }
        let entries = properties.iter().map(|(name, value)| {
            let key = property_key(&cluster.key(table), name);
            let origin = cluster.origin(&key, secrets::shown(name, value));
            (name, value, key, origin)
        });
        lay_over(&mut user, entries.collect(), &mut problems);
    }
    if let Some(address) = &cluster.bootstrap_servers {
        let tables = cluster.property_tables();
        let is_property = tables.into_iter().any(|(_, properties)| {
            let mut names = ADDRESS_PROPERTIES.iter();
            names.any(|name| properties.get(name).is_some())
        });
        let key = cluster.key("bootstrap_servers");
        let origin = cluster.origin(&key, address);
        // One that stands among the properties was checked with them.
        if let (false, Err(problem)) = (
            is_property,
            check::address(
                address,
                Place {
                    key: &key,
                    origin: &origin,
                },
            ),
        ) {
            problems.push(problem);
        }
        user.insert("bootstrap.servers".to_owned(), address.clone());
    }
    // Where a consumer begins in its topics says nothing about its retry topics.
    let begins = |name: &str| preferred(name) == "auto.offset.reset";
    let own = overrides
        .iter()
        .filter(|(name, _)| kind != ClientKind::RetryConsumer || !begins(name));
    let entries = own.map(|(name, value)| {
        let key = format!("config({name:?})");
        (
            name.as_str(),
            value.as_str(),
            key,
            "the consumer's declaration".to_owned(),
        )
    });
    lay_over(&mut user, entries.collect(), &mut problems);
    SettingsError::check(problems)?;

    let mut config = ClientConfig::new();
    config.set("client.id", &cluster.client_id);
    let defaults: &[(&str, &str)] = match kind {
        ClientKind::Producer => &PRODUCER_DEFAULTS,
        ClientKind::Consumer | ClientKind::RetryConsumer => &CONSUMER_DEFAULTS,
    };
    for (name, value) in defaults {
        config.set(*name, *value);
    }
    match kind {
        ClientKind::Producer => give_up_idempotence(&user, &mut config),
        ClientKind::Consumer | ClientKind::RetryConsumer => strip_classic(&mut user),
    }
    config.set_log_level(log_level(&user));
    for (name, value) in user {
        config.set(name, value);
    }
    Ok(config)
}

/// Name, value, the key it is written as and where that is.
type Entry<'a> = (&'a str, &'a str, String, String);

/// Checks a layer and lays it over what is there.
fn lay_over(
    user: &mut BTreeMap<String, String>,
    entries: Vec<Entry<'_>>,
    problems: &mut Vec<SettingsProblem>,
) {
    for (i, (name, value, key, origin)) in entries.iter().enumerate() {
        if let Err(problem) = check::property(name, value, Place { key, origin }) {
            problems.push(problem);
            continue;
        }
        let twin = entries[..i].iter().find(|(other, other_value, ..)| {
            other != name && preferred(other) == preferred(name) && other_value != value
        });
        if let Some((_, _, twin_key, twin_origin)) = twin {
            problems.push(SettingsProblem::Conflict {
                first: twin_key.clone(),
                first_origin: twin_origin.clone(),
                second: key.clone(),
                second_origin: origin.clone(),
            });
        }
        user.insert(preferred(name).to_owned(), (*value).to_owned());
    }
}

/// A setting that rules idempotence out wins over the framework's default;
/// over the user's own `enable.idempotence` librdkafka decides.
fn give_up_idempotence(user: &BTreeMap<String, String>, config: &mut ClientConfig) {
    if user.contains_key("enable.idempotence") {
        return;
    }
    let rules_out = |name: &str, value: &str| match name {
        "acks" => !matches!(value.to_lowercase().as_str(), "all" | "-1"),
        "max.in.flight" => value.parse().is_ok_and(|requests: u64| requests > 5),
        "retries" => value == "0",
        "queuing.strategy" => value.eq_ignore_ascii_case("lifo"),
        _ => false,
    };
    if let Some((name, value)) = user.iter().find(|(name, value)| rules_out(name, value))
        && !user.contains_key("transactional.id")
    {
        config.set("enable.idempotence", "false");
        tracing::warn!(
            "`{name}` = {value:?} turns the producer's idempotence off: messages may be lost, doubled or out of order"
        );
    }
}

fn strip_classic(user: &mut BTreeMap<String, String>) {
    let protocol = user.get("group.protocol");
    if !protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("consumer")) {
        return;
    }
    for name in CLASSIC_ONLY {
        if user.remove(name).is_some() {
            tracing::warn!(
                "`{name}` is left out: with group.protocol=consumer the broker decides it"
            );
        }
    }
}

/// What librdkafka should log: the property if set, everything with `debug`,
/// otherwise what the subscriber takes for the target `librdkafka`.
fn log_level(user: &BTreeMap<String, String>) -> RDKafkaLogLevel {
    use RDKafkaLogLevel as Level;
    match user.get("log_level").map(String::as_str) {
        Some("0") => return Level::Emerg,
        Some("1") => return Level::Alert,
        Some("2") => return Level::Critical,
        Some("3") => return Level::Error,
        Some("4") => return Level::Warning,
        Some("5") => return Level::Notice,
        Some("6") => return Level::Info,
        Some(_) => return Level::Debug,
        None if user.get("debug").is_some_and(|debug| !debug.is_empty()) => return Level::Debug,
        None => {}
    }
    if tracing::enabled!(target: "librdkafka", tracing::Level::DEBUG) {
        Level::Debug
    } else if tracing::enabled!(target: "librdkafka", tracing::Level::INFO) {
        Level::Info
    } else if tracing::enabled!(target: "librdkafka", tracing::Level::WARN) {
        Level::Warning
    } else {
        Level::Error
    }
}
