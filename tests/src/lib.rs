//! What the cross-crate tests share: events, the journal a consumer process
//! leaves, and the broker to test against.

mod broker;
mod embedded;
mod fate;
mod journal;
mod probe;
pub mod raw;

pub use broker::{PARTITIONS, TestBroker, create_topic, delete_topic, unique};
pub use fate::Fate;
pub use journal::{Attempt, Entry, Journal, JournalReader, Kind};
pub use probe::{Probe, Running, eventually};

use serde::{Deserialize, Serialize};

/// What the fault tests produce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique in a test.
    pub id: u64,
    /// The record's key.
    pub key: String,
    /// Counts up within the key.
    pub sequence: u64,
}

/// The Apache Kafka to test against, from `KAFKA_TEST_BOOTSTRAP`. Without one,
/// says on standard error that `test` is skipped.
pub fn kafka_or_skip(test: &str) -> Option<String> {
    let address = std::env::var("KAFKA_TEST_BOOTSTRAP")
        .ok()
        .filter(|address| !address.is_empty());
    if address.is_none() {
        eprintln!(
            "SKIPPED {test}: it needs Apache Kafka; set KAFKA_TEST_BOOTSTRAP, for example \
             KAFKA_TEST_BOOTSTRAP=$(tests/services/kafka.sh start)"
        );
    }
    address
}

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
