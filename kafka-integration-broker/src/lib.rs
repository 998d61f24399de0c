#![doc = include_str!("../README.md")]

mod api;
mod broker;
mod cleaner;
mod clock;
mod configs;
mod core;
mod faults;
mod groups;
mod log;
mod net;
mod options;
mod records;
mod security;
mod sessions;
mod start_error;
mod store;
mod transactions;
mod wire;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;

pub use self::broker::{EmbeddedBroker, EmbeddedBrokerBuilder};
pub use self::faults::{Fault, FaultBuilder, FaultError, Faults};
pub use self::start_error::StartError;

/// The error codes of the protocol. This is the `ResponseError` of the crate
/// `kafka-protocol`; `Unknown` is any other number.
pub use kafka_protocol::ResponseError as ErrorCode;
/// The APIs of the protocol. This is the `ApiKey` of the crate
/// `kafka-protocol`, some of which no broker of this crate serves.
pub use kafka_protocol::messages::ApiKey;
