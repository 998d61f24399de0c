//! The management commands, run in the process against the embedded broker and,
//! when `KAFKA_TEST_BOOTSTRAP` names one, against Apache Kafka.
#![cfg(all(feature = "embedded-broker", feature = "management"))]

mod check;
mod consume;
mod embedded;
mod files;
mod groups;
mod messages;
mod support;
mod topics;
