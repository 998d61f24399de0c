//! Faults on purpose, as a client on the wire sees them.
#![allow(clippy::unwrap_used)]

mod client;
mod coordinators;
mod outages;
mod requests;
mod single;
