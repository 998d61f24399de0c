//! The promises of a Kafka broker, each shown on every broker there is: the
//! embedded one, and Apache Kafka when `KAFKA_TEST_BOOTSTRAP` names one. What
//! a case expects was seen on Apache Kafka 4.1.

#![allow(unreachable_pub, reason = "a test binary has no public face")]

#[macro_use]
mod support;

mod admin;
mod classic;
mod client;
mod consumer;
mod fetch;
mod offsets;
mod produce;
mod transactions;
mod wire;
