#![doc = include_str!("../README.md")]

mod api;
mod broker;
mod cleaner;
mod clock;
mod configs;
mod core;
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
pub use self::start_error::StartError;
