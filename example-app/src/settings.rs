//! What the shop sets of Kafka's settings by itself.

use kafka_integration::settings::{Settings, SettingsError};

/// A customer waits for the acknowledgement of an order. librdkafka would try
/// for five minutes; nobody waits that long for an answer.
const ACKNOWLEDGED_WITHIN_MS: &str = "10000";

/// Both names that librdkafka has for it.
const DELIVERY_TIMEOUT: [&str; 2] = ["message.timeout.ms", "delivery.timeout.ms"];

/// The settings as `kafka.toml` and the environment have them, and the shop's
/// own where they say nothing.
pub(crate) fn load() -> Result<Settings, SettingsError> {
    let mut settings = Settings::load()?;
    let cluster = &mut settings.cluster;
    let is_set = DELIVERY_TIMEOUT.iter().any(|name| {
        let producers = cluster.producer_config.get(name);
        producers.or(cluster.global_config.get(name)).is_some()
    });
    if !is_set {
        let producers = &mut cluster.producer_config;
        producers.set(DELIVERY_TIMEOUT[0], ACKNOWLEDGED_WITHIN_MS);
    }
    Ok(settings)
}
