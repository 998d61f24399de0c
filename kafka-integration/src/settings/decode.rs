//! From the merged layers to [`Settings`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use config::{Map, Value, ValueKind};

use super::error::SettingsProblem;
use super::reader::{FlagOrTable, Reader, Report, origin_of, sorted};
use super::source::{is_variable, property_key, variable};
use super::{
    ClusterSettings, EmbeddedBrokerSettings, PROFILE_DEVELOPMENT, PROFILE_PRODUCTION, Settings,
    retry,
};

/// The names of the client property that holds the address.
pub(crate) const ADDRESS_PROPERTIES: [&str; 2] = ["bootstrap.servers", "metadata.broker.list"];

/// Reads everything. `layers` are the origins of the files, lowest first.
pub(crate) fn settings(
    profile: String,
    values: Map<String, Value>,
    layers: &[String],
    report: &mut Report,
) -> Settings {
    let mut reader = Reader::new("", values, report);
    let mut cluster = read_cluster(&mut reader, &ClusterSettings::default());
    let named = reader.table("clusters");
    reader.finish();
    settle_address(&mut cluster, "", &profile, layers, report);

    // Addresses and client properties are never taken from the defaults.
    let inherited = ClusterSettings {
        embedded_broker: None,
        ..cluster.clone()
    };
    let mut clusters = BTreeMap::new();
    for (name, value) in sorted(named) {
        let prefix = format!("clusters.{name}.");
        let origin = origin_of(&value);
        let ValueKind::Table(values) = value.kind else {
            report.problems.push(SettingsProblem::Invalid {
                key: format!("clusters.{name}"),
                origin,
                expected: "a table with the keys of a cluster".to_owned(),
                found: "a single value".to_owned(),
            });
            continue;
        };
        let mut reader = Reader::new(&prefix, values, report);
        let mut cluster = read_cluster(&mut reader, &inherited);
        reader.finish();
        cluster.name = Some(name.clone());
        settle_address(&mut cluster, &prefix, &profile, layers, report);
        clusters.insert(name, cluster);
    }
    Settings {
        profile,
        cluster,
        clusters,
    }
}

/// Every key of the top level.
pub(crate) fn known_keys() -> Vec<&'static str> {
    let mut report = Report::default();
    let mut reader = Reader::new("", Map::new(), &mut report);
    read_cluster(&mut reader, &ClusterSettings::default());
    reader.table("clusters");
    reader.into_known()
}

fn read_cluster(reader: &mut Reader<'_>, defaults: &ClusterSettings) -> ClusterSettings {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let cluster = ClusterSettings {
        name: None,
        origins: Default::default(),
        bootstrap_servers: reader.text("bootstrap_servers"),
        client_id: reader
            .text("client_id")
            .unwrap_or_else(|| defaults.client_id.clone()),
        global_config: reader.properties("global_config"),
        producer_config: reader.properties("producer_config"),
        consumer_config: reader.properties("consumer_config"),
        polling_frequency: reader
            .duration("polling_frequency", MILLISECOND)
            .unwrap_or(defaults.polling_frequency),
        error_handler: reader
            .text("error_handler")
            .unwrap_or_else(|| defaults.error_handler.clone()),
        retry: retry::policy(reader, &defaults.retry),
        retry_consumer_config: reader.properties("retry_consumer_config"),
        retry_topic_suffix: retry::suffix(reader, "retry_topic_suffix")
            .unwrap_or_else(|| defaults.retry_topic_suffix.clone()),
        dead_letter_topic_suffix: retry::suffix(reader, "dead_letter_topic_suffix")
            .unwrap_or_else(|| defaults.dead_letter_topic_suffix.clone()),
        create_retry_topics: reader
            .flag("create_retry_topics")
            .unwrap_or(defaults.create_retry_topics),
        shutdown_timeout: reader
            .duration("shutdown_timeout", Duration::ZERO)
            .unwrap_or(defaults.shutdown_timeout),
        concurrency: reader.count("concurrency").unwrap_or(defaults.concurrency),
        ordering: reader.ordering("ordering").unwrap_or(defaults.ordering),
        max_in_flight: reader
            .count("max_in_flight")
            .unwrap_or(defaults.max_in_flight),
        max_in_flight_bytes: reader
            .size("max_in_flight_bytes")
            .unwrap_or(defaults.max_in_flight_bytes),
        max_uncommitted: reader
            .count("max_uncommitted")
            .unwrap_or(defaults.max_uncommitted),
        commit_interval: reader
            .duration("commit_interval", MILLISECOND)
            .unwrap_or(defaults.commit_interval),
        embedded_broker: read_embedded(reader),
    };
    retry::check(&cluster, reader);
    cluster
}

fn read_embedded(reader: &mut Reader<'_>) -> Option<EmbeddedBrokerSettings> {
    const KEY: &str = "embedded_broker";
    let defaults = EmbeddedBrokerSettings::default();
    let values = match reader.flag_or_table(KEY)? {
        FlagOrTable::Flag(on) => return on.then_some(defaults),
        FlagOrTable::Table(values) => values,
    };
    let prefix = reader.below(KEY);
    let mut reader = Reader::new(&prefix, values, reader.report);
    let embedded = EmbeddedBrokerSettings {
        data_dir: reader
            .text("data_dir")
            .map_or(defaults.data_dir, PathBuf::from),
        port: reader.port("port").unwrap_or(defaults.port),
    };
    reader.finish();
    Some(embedded)
}

/// Decides between an address and the embedded broker, and refuses what leaves
/// it open which one is meant.
fn settle_address(
    cluster: &mut ClusterSettings,
    prefix: &str,
    profile: &str,
    layers: &[String],
    report: &mut Report,
) {
    let key = format!("{prefix}bootstrap_servers");
    let embedded_key = format!("{prefix}embedded_broker");
    if report.is_invalid(&key) || report.is_invalid(&embedded_key) {
        return;
    }
    let embedded_origin = embedded_origin(&embedded_key, layers, report);
    let addresses = addresses(cluster, prefix);
    let origin = |key: &str| report.origins.get(key).cloned().unwrap_or_default();

    let mut address_origin = None;
    if let Some((first, address)) = addresses.first() {
        if let Some((second, _)) = addresses.iter().find(|(_, other)| other != address) {
            report.problems.push(SettingsProblem::Conflict {
                first: first.clone(),
                first_origin: origin(first),
                second: second.clone(),
                second_origin: origin(second),
            });
            return;
        }
        cluster.bootstrap_servers = Some(address.clone());
        address_origin = Some((key.clone(), origin(first)));
    }
    match (addresses.first(), &embedded_origin) {
        // Both: the higher layer wins, so that one variable moves an
        // application from the embedded broker to a real one.
        (Some((key, _)), Some(embedded)) if cluster.embedded_broker.is_some() => {
            let (address_rank, embedded_rank) =
                (rank(&origin(key), layers), rank(embedded, layers));
            match embedded_rank.cmp(&address_rank) {
                std::cmp::Ordering::Less => cluster.embedded_broker = None,
                std::cmp::Ordering::Greater => forget_addresses(cluster),
                std::cmp::Ordering::Equal => report.problems.push(SettingsProblem::Conflict {
                    first: key.clone(),
                    first_origin: origin(key),
                    second: embedded_key.clone(),
                    second_origin: embedded.clone(),
                }),
            }
        }
        // Nothing at all: a newcomer's first run needs no settings.
        (None, None) if cluster.name.is_none() && profile == PROFILE_DEVELOPMENT => {
            cluster.embedded_broker = Some(EmbeddedBrokerSettings::default());
        }
        (None, _) if cluster.embedded_broker.is_none() => {
            report.problems.push(SettingsProblem::MissingAddress {
                variable: variable(&key),
                key,
                profile: profile.to_owned(),
            });
        }
        _ => {}
    }
    report.origins.extend(address_origin);
    if cluster.embedded_broker.is_some() && profile == PROFILE_PRODUCTION {
        report.problems.push(SettingsProblem::EmbeddedInProduction {
            key: embedded_key,
            origin: embedded_origin.unwrap_or_default(),
        });
    }
}

/// Where the embedded broker is set; of the keys of a table, the highest.
fn embedded_origin(key: &str, layers: &[String], report: &Report) -> Option<String> {
    let below = format!("{key}.");
    let origins = report.origins.iter();
    origins
        .filter(|(set, _)| *set == key || set.starts_with(&below))
        .map(|(_, origin)| origin)
        .max_by_key(|origin| rank(origin, layers))
        .cloned()
}

/// Every key that holds an address.
fn addresses(cluster: &ClusterSettings, prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(address) = &cluster.bootstrap_servers {
        found.push((format!("{prefix}bootstrap_servers"), address.clone()));
    }
    for (table, properties) in cluster.property_tables() {
        for name in ADDRESS_PROPERTIES {
            if let Some(address) = properties.get(name) {
                let key = property_key(&format!("{prefix}{table}"), name);
                found.push((key, address.to_owned()));
            }
        }
    }
    found
}

fn forget_addresses(cluster: &mut ClusterSettings) {
    cluster.bootstrap_servers = None;
    for properties in [
        &mut cluster.global_config,
        &mut cluster.producer_config,
        &mut cluster.consumer_config,
        &mut cluster.retry_consumer_config,
    ] {
        for name in ADDRESS_PROPERTIES {
            properties.remove(name);
        }
    }
}

/// How high the layer of that origin lies.
fn rank(origin: &str, layers: &[String]) -> usize {
    if is_variable(origin) {
        return usize::MAX;
    }
    layers.iter().position(|layer| layer == origin).unwrap_or(0)
}
