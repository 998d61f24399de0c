//! What the producer of moved messages is told besides the settings.
//!
//! It has the settings of the application's producer, addresses, security and
//! partitioner included, and differs where moving would lose a message or be
//! stuck with one:
//!
//! - Idempotence and `acks=all` are on whatever the settings say, and what
//!   rules them out is left out: a message is finished when it was moved.
//! - It takes part in no transaction; two producers of one `transactional.id`
//!   would fence each other.
//! - It never makes brokers create a topic: they would do it their own way, with
//!   a retention that deletes old messages at once.
//! - It looks for changes of its topics every ten seconds: one that it must not
//!   write to is refused by the client itself until then.
//! - The broker alone decides what is too large: the source had the message.
//! - A message does not linger, for its lane waits for it, unless `linger.ms`
//!   is set.
//! - It compresses unless `compression.type` is set: the source may hold the
//!   message compressed, and its limit counts what it holds.

use rdkafka::ClientConfig;

/// The largest that librdkafka takes.
const LARGEST_MESSAGE: &str = "1000000000";

/// Room for the largest message, and librdkafka's default. It fills no further
/// than the lanes that wait for their messages.
const QUEUE_KBYTES: u64 = 1_048_576;

/// Several small messages share a batch up to here. A topic that takes less in
/// a batch than it takes in one message would refuse all of them.
const BATCH_BYTES: u64 = 65_536;

/// The most requests that an idempotent producer has on their way.
const MOST_IN_FLIGHT: u64 = 5;

/// The client's default is five minutes.
const REFRESH_MS: u64 = 10_000;

/// Compresses well, and every client reads it.
const COMPRESSION: &str = if cfg!(feature = "zstd") {
    "zstd"
} else {
    "gzip"
};

/// What wins over all settings.
pub(crate) fn overrides() -> [(String, String); 4] {
    [
        ("enable.idempotence", "true"),
        ("acks", "all"),
        ("message.max.bytes", LARGEST_MESSAGE),
        ("allow.auto.create.topics", "false"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Makes it suit messages that move.
pub(crate) fn suit(config: &mut ClientConfig) {
    for name in ["transactional.id", "queuing.strategy"] {
        config.remove(name);
    }
    let number = |config: &ClientConfig, name| config.get(name)?.parse::<u64>().ok();
    if number(config, "retries") == Some(0) {
        config.remove("retries");
    }
    for (name, most) in [
        ("max.in.flight", MOST_IN_FLIGHT),
        ("batch.size", BATCH_BYTES),
        ("topic.metadata.refresh.interval.ms", REFRESH_MS),
    ] {
        let set = number(config, name).unwrap_or(most);
        config.set(name, set.min(most).to_string());
    }
    let queue = number(config, "queue.buffering.max.kbytes").unwrap_or(QUEUE_KBYTES);
    config.set(
        "queue.buffering.max.kbytes",
        queue.max(QUEUE_KBYTES).to_string(),
    );
    for (name, value) in [("linger.ms", "0"), ("compression.type", COMPRESSION)] {
        if config.get(name).is_none() {
            config.set(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ClientKind, Settings};

    fn config(properties: &[(&str, &str)]) -> ClientConfig {
        let mut settings = Settings::with_bootstrap_servers("127.0.0.1:1");
        for (name, value) in properties {
            settings.cluster.producer_config.set(*name, *value);
        }
        let config = settings
            .cluster
            .client_config(ClientKind::Producer, &overrides());
        let mut config = config.expect("settings");
        suit(&mut config);
        config
    }

    #[test]
    fn what_would_lose_or_refuse_a_message_is_not_taken_over() {
        let config = config(&[
            ("request.required.acks", "1"),
            ("enable.idempotence", "false"),
            ("max.in.flight.requests.per.connection", "1000"),
            ("message.send.max.retries", "0"),
            ("queuing.strategy", "lifo"),
            ("transactional.id", "shop"),
            ("message.max.bytes", "1000"),
            ("queue.buffering.max.kbytes", "1"),
            ("batch.size", "1000000"),
            ("topic.metadata.refresh.interval.ms", "-1"),
            ("allow.auto.create.topics", "true"),
        ]);
        for (name, value) in [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("max.in.flight", "5"),
            ("message.max.bytes", LARGEST_MESSAGE),
            ("queue.buffering.max.kbytes", "1048576"),
            ("batch.size", "65536"),
            ("topic.metadata.refresh.interval.ms", "10000"),
            ("allow.auto.create.topics", "false"),
        ] {
            assert_eq!(config.get(name), Some(value), "{name}");
        }
        for name in ["retries", "queuing.strategy", "transactional.id"] {
            assert_eq!(config.get(name), None, "{name}");
        }
        // The client itself finds no contradiction.
        super::super::Producer::start("default", config).expect("a producer");
    }

    #[test]
    fn what_is_a_matter_of_taste_is() {
        let taste = [
            ("linger.ms", "50"),
            ("compression.type", "lz4"),
            ("partitioner", "murmur2_random"),
        ];
        let chosen = config(&taste);
        for (name, value) in taste {
            assert_eq!(chosen.get(name), Some(value), "{name}");
        }
        assert_eq!(config(&[]).get("linger.ms"), Some("0"));
        assert_eq!(config(&[]).get("compression.type"), Some(COMPRESSION));
    }
}
