//! What is wrong with client properties, found without a connection.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, DeliveryResult, ProducerContext};

use super::decode::ADDRESS_PROPERTIES;
use super::error::{Hint, SettingsProblem};
use super::nearest::nearest;
use super::{ClientKind, Settings, property_names, secrets};

/// A client property, where it is written and where that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) key: &'a str,
    pub(crate) origin: &'a str,
}

/// What the framework must have as it is: the property, the values it can do
/// with, and the reason.
const RESERVED: [(&str, &[&str], &str); 6] = [
    (
        "group.id",
        &[],
        "the group belongs to the consumer's declaration: #[consumer(group_id = \"…\")]",
    ),
    (
        "enable.auto.commit",
        FALSE,
        "the client would commit messages whose work is unfinished; the runner commits what is finished",
    ),
    (
        "auto.commit.enable",
        FALSE,
        "the client would commit messages whose work is unfinished; the runner commits what is finished",
    ),
    (
        "enable.auto.offset.store",
        FALSE,
        "it marks a message as finished before the handler has seen it; the runner marks what is finished",
    ),
    (
        "offset.store.method",
        &["broker"],
        "committed offsets are kept by the broker; without them a restart would skip or repeat everything",
    ),
    (
        "delivery.report.only.error",
        FALSE,
        "a produce waits for the report that its message was acknowledged",
    ),
];

/// What librdkafka reads as false.
const FALSE: &[&str] = &["false", "f", "0"];

/// Checks one property by itself.
pub(crate) fn property(name: &str, value: &str, place: Place<'_>) -> Result<(), SettingsProblem> {
    let (key, origin) = (place.key.to_owned(), place.origin.to_owned());
    let reserved = RESERVED.iter().find(|(reserved, ..)| *reserved == name);
    if let Some((_, allowed, reason)) = reserved
        && !allowed
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(value))
    {
        return Err(SettingsProblem::Reserved {
            key,
            origin,
            reason,
        });
    }
    if ADDRESS_PROPERTIES.contains(&name) {
        address(value, place)?;
    }
    if let Some((what, remedy)) = missing_mechanism(name, value) {
        return Err(SettingsProblem::MissingFeature {
            key,
            origin,
            what,
            remedy,
        });
    }
    let mut single = ClientConfig::new();
    let reason = match single.set(name, value).create_native_config() {
        Ok(_) => return Ok(()),
        Err(KafkaError::ClientConfig(_, reason, _, _)) => reason,
        Err(KafkaError::Nul(_)) => "it holds a zero byte".to_owned(),
        Err(other) => other.to_string(),
    };
    if let Some((what, remedy)) = missing_at_build(name, &reason) {
        return Err(SettingsProblem::MissingFeature {
            key,
            origin,
            what,
            remedy,
        });
    }
    Err(refused(name, value, place, &reason))
}

/// Refuses addresses that carry a user and perhaps a password: they are printed
/// and logged, and librdkafka makes no use of them.
pub(crate) fn address(addresses: &str, place: Place<'_>) -> Result<(), SettingsProblem> {
    if !addresses.contains('@') {
        return Ok(());
    }
    Err(SettingsProblem::Invalid {
        key: place.key.to_owned(),
        origin: place.origin.to_owned(),
        expected: "host:port, several of them with commas; user and password are \
                   `sasl.username` and `sasl.password` under global_config"
            .to_owned(),
        found: "an address with a user in it (not shown here)".to_owned(),
    })
}

fn refused(name: &str, value: &str, place: Place<'_>, reason: &str) -> SettingsProblem {
    let known = property_names::KNOWN;
    SettingsProblem::Property {
        key: place.key.to_owned(),
        origin: place.origin.to_owned(),
        reason: secrets::redact(reason, [(name, value)]),
        hint: if known.contains(&name) {
            Hint::None
        } else {
            nearest(name, known.iter().copied())
        },
    }
}

const SSL: &str =
    "turn on the feature `ssl` (the system's OpenSSL) or `ssl-vendored` of kafka-integration";
const CURL: &str = "add `rdkafka` with its feature `curl` (and `ssl`) to Cargo.toml";
const GSSAPI: &str = "add `rdkafka` with its feature `gssapi` to Cargo.toml";

/// librdkafka takes any mechanism as text and fails when it connects.
fn missing_mechanism(name: &str, value: &str) -> Option<(&'static str, &'static str)> {
    if !matches!(name, "sasl.mechanism" | "sasl.mechanisms") {
        return None;
    }
    let mechanism = value.trim().to_uppercase();
    let (needs, what, remedy) = if mechanism.starts_with("SCRAM") {
        ("sasl_scram", "SCRAM, which is not compiled in", SSL)
    } else if mechanism == "OAUTHBEARER" {
        (
            "sasl_oauthbearer",
            "OAUTHBEARER, which is not compiled in",
            SSL,
        )
    } else if mechanism == "GSSAPI" {
        ("sasl_gssapi", "Kerberos, which is not compiled in", GSSAPI)
    } else {
        return None;
    };
    (!compiled_in(needs)).then_some((what, remedy))
}

fn missing_at_build(name: &str, reason: &str) -> Option<(&'static str, &'static str)> {
    let absent = |what: &str| reason.contains(what) && reason.contains("at build time");
    if absent("libcurl") {
        Some(("OpenID Connect or HTTPS, which is not compiled in", CURL))
    } else if absent("OpenSSL") {
        Some(("TLS, which is not compiled in", SSL))
    } else if absent("zstd") {
        Some((
            "zstd, which is not compiled in",
            "turn on the feature `zstd` of kafka-integration",
        ))
    } else if name.starts_with("sasl.kerberos") && absent("sasl") {
        Some(("Kerberos, which is not compiled in", GSSAPI))
    } else {
        None
    }
}

fn compiled_in(feature: &str) -> bool {
    ClientConfig::new()
        .create_native_config()
        .and_then(|native| native.get("builtin.features"))
        .is_ok_and(|features| features.split(',').any(|known| known.trim() == feature))
}

/// Checks every property of every cluster by itself, and then all of a client
/// together. Each problem is named once.
pub(crate) fn clients(settings: &Settings) -> Vec<SettingsProblem> {
    let mut problems = Vec::new();
    for cluster in std::iter::once(&settings.cluster).chain(settings.clusters.values()) {
        let mut kinds = vec![ClientKind::Producer, ClientKind::Consumer];
        if !cluster.retry_consumer_config.is_empty() {
            kinds.push(ClientKind::RetryConsumer);
        }
        for kind in kinds {
            let found = match cluster.client_config(kind, &[]) {
                Ok(config) => together(kind, config)
                    .err()
                    .map(|reason| SettingsProblem::Client {
                        cluster: cluster.name.clone(),
                        kind,
                        reason,
                    })
                    .into_iter()
                    .collect(),
                Err(error) => error.into_problems(),
            };
            for problem in found {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
    }
    problems
}

/// Makes a client without an address, which librdkafka only does when the
/// properties agree with each other and the files they name can be read.
fn together(kind: ClientKind, mut config: ClientConfig) -> Result<(), String> {
    let secrets: BTreeMap<String, String> = secret_values(&config);
    // These two ask somebody for a ticket as soon as the client exists.
    let mechanism = config
        .get("sasl.mechanism")
        .unwrap_or("GSSAPI")
        .to_uppercase();
    let sasl = config
        .get("security.protocol")
        .is_some_and(|protocol| protocol.to_lowercase().contains("sasl"));
    if mechanism == "OAUTHBEARER" || (sasl && mechanism == "GSSAPI" && compiled_in("sasl_gssapi")) {
        return Ok(());
    }
    config.remove("bootstrap.servers");
    config.set_log_level(RDKafkaLogLevel::Emerg);
    let made = match kind {
        ClientKind::Producer => config
            .create_with_context::<_, BaseProducer<Silent>>(Silent)
            .map(drop),
        ClientKind::Consumer | ClientKind::RetryConsumer => config
            .create_with_context::<_, BaseConsumer<Silent>>(Silent)
            .map(drop),
    };
    made.map_err(|error| {
        let reason = match &error {
            KafkaError::ClientCreation(reason) => Cow::Borrowed(reason.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        let secrets = secrets.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        secrets::redact(&reason, secrets)
    })
}

fn secret_values(config: &ClientConfig) -> BTreeMap<String, String> {
    // `config_map` itself masks some of the values, so each is asked for.
    let names = config
        .config_map()
        .into_keys()
        .filter(|name| secrets::is_secret(name));
    names
        .filter_map(|name| Some((name.to_owned(), config.get(name)?.to_owned())))
        .collect()
}

/// Keeps the client that only checks out of the log.
#[derive(Clone)]
struct Silent;

impl ClientContext for Silent {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Silent {}

impl ProducerContext for Silent {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_repeats_a_secret_value_is_masked() {
        let place = Place {
            key: "global_config.\"ssl.key.password\"",
            origin: "kafka.toml",
        };
        let said = |name| {
            let reason = "Invalid value \"hunter2\"";
            refused(name, "hunter2", place, reason).to_string()
        };
        assert!(said("ssl.key.password").ends_with("Invalid value \"***\""));
        assert!(said("ssl.cipher.suites").ends_with("Invalid value \"hunter2\""));
    }
}
