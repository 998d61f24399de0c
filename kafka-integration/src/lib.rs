#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The macros' expansions name this crate from outside; this lets its own tests
// use them too.
#[cfg(test)]
#[allow(unused_extern_crates)]
extern crate self as kafka_integration;

pub mod admin;
pub mod codec;
mod commit_record;
pub mod consumer;
#[cfg(feature = "embedded-broker")]
pub mod embedded;
mod kafka;
#[cfg(feature = "management")]
pub mod management;
pub mod message;
mod native;
pub mod prelude;
pub mod producer;
pub mod retry;
pub mod runner;
pub mod settings;
#[cfg(test)]
mod test_log;
pub mod topic;

pub use kafka::{Kafka, KafkaBuilder, KafkaError, MissingState};
#[doc = include_str!("docs/consumer_macro.md")]
pub use kafka_integration_macros::consumer;
#[doc = include_str!("docs/topic_macro.md")]
pub use kafka_integration_macros::topic;

/// What the macros' expansions name. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
}
