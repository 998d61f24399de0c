//! Where each setting came from, for `kafka-check` and for messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ClusterSettings, Settings, duration, retry, secrets, size, source};

/// One setting as it is in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The whole key, such as `clusters.eu.consumer_config."fetch.min.bytes"`.
    pub key: String,
    /// The value as text; secrets are masked.
    pub value: String,
    /// The file, `environment variable …`, `default`, `the top level` (what a
    /// named cluster takes over) or `the application`.
    pub origin: String,
}

/// By key, the value that was loaded (masked) and where it is set.
#[derive(Clone, Default)]
pub(crate) struct Origins(Arc<BTreeMap<String, (String, String)>>);

impl std::fmt::Debug for Origins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({} recorded)", self.0.len())
    }
}

/// Tells the settings where their values are set.
pub(crate) fn record(settings: &mut Settings, origins: &BTreeMap<String, String>) {
    let clusters = std::iter::once(&settings.cluster).chain(settings.clusters.values());
    let recorded = clusters
        .flat_map(lines)
        .filter_map(|(key, value)| {
            let origin = origins.get(&key)?.clone();
            Some((key, (value, origin)))
        })
        .collect();
    let recorded = Origins(Arc::new(recorded));
    let clusters = std::iter::once(&mut settings.cluster).chain(settings.clusters.values_mut());
    for cluster in clusters {
        cluster.origins = recorded.clone();
    }
}

/// Every setting that is in effect, in a stable order.
pub(crate) fn describe(settings: &Settings) -> Vec<Setting> {
    let defaults: BTreeMap<_, _> = lines(&ClusterSettings::default()).into_iter().collect();
    let top: BTreeMap<_, _> = lines(&settings.cluster).into_iter().collect();
    let mut described = Vec::new();
    for cluster in std::iter::once(&settings.cluster).chain(settings.clusters.values()) {
        for (key, value) in lines(cluster) {
            let own = key.strip_prefix(&cluster.key("")).unwrap_or(&key);
            let origin = if let Some(origin) = cluster.recorded(&key, &value) {
                origin.to_owned()
            } else if cluster.name.is_some() && top.get(own) == Some(&value) {
                "the top level".to_owned()
            } else if defaults.get(own) == Some(&value) || own.starts_with("embedded_broker") {
                // Whether the embedded broker is used without being named
                // depends on the rest.
                "default".to_owned()
            } else {
                APPLICATION.to_owned()
            };
            described.push(Setting { key, value, origin });
        }
    }
    described
}

/// The origin of what was not loaded.
pub(crate) const APPLICATION: &str = "the application";

/// Key and masked value of all that is set in a cluster.
fn lines(cluster: &ClusterSettings) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut line = |key: &str, value: String| lines.push((cluster.key(key), value));
    if let Some(address) = &cluster.bootstrap_servers {
        line("bootstrap_servers", address.clone());
    }
    line(
        "embedded_broker",
        cluster.embedded_broker.is_some().to_string(),
    );
    if let Some(embedded) = &cluster.embedded_broker {
        let directory = embedded.data_dir.display();
        line("embedded_broker.data_dir", directory.to_string());
        line("embedded_broker.port", embedded.port.to_string());
    }
    line("client_id", cluster.client_id.clone());
    for (table, properties) in cluster.property_tables() {
        for (name, value) in properties.iter() {
            let key = source::property_key(table, name);
            line(&key, secrets::shown(name, value).to_owned());
        }
    }
    line(
        "polling_frequency",
        duration::format(cluster.polling_frequency),
    );
    line("error_handler", cluster.error_handler.clone());
    for (key, value) in retry::lines(&cluster.retry) {
        line(&format!("retry.{key}"), value);
    }
    line("retry_topic_suffix", cluster.retry_topic_suffix.clone());
    let dead_letters = &cluster.dead_letter_topic_suffix;
    line("dead_letter_topic_suffix", dead_letters.clone());
    line(
        "create_retry_topics",
        cluster.create_retry_topics.to_string(),
    );
    line(
        "shutdown_timeout",
        duration::format(cluster.shutdown_timeout),
    );
    line("concurrency", cluster.concurrency.to_string());
    line("ordering", cluster.ordering.to_string());
    line("max_in_flight", cluster.max_in_flight.to_string());
    line(
        "max_in_flight_bytes",
        size::format(cluster.max_in_flight_bytes),
    );
    line("max_uncommitted", cluster.max_uncommitted.to_string());
    line("commit_interval", duration::format(cluster.commit_interval));
    lines
}

impl ClusterSettings {
    /// The whole path of a key of this cluster.
    pub(crate) fn key(&self, key: &str) -> String {
        match &self.name {
            Some(name) => format!("clusters.{name}.{key}"),
            None => key.to_owned(),
        }
    }

    fn recorded(&self, key: &str, shown: &str) -> Option<&str> {
        let (value, origin) = self.origins.0.get(key)?;
        (value == shown).then_some(origin.as_str())
    }

    /// Where a key with that (masked) value is set.
    pub(crate) fn origin(&self, key: &str, shown: &str) -> String {
        self.recorded(key, shown).unwrap_or(APPLICATION).to_owned()
    }
}
