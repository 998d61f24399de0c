//! What fuzzing feeds the broker, for the targets in `fuzz/` and for the tests.
//!
//! Built for tests and under `cfg(fuzzing)` only.

mod batches;
pub(crate) mod codec;
mod connection;
mod frames;
mod mutate;
mod process;
mod rng;
mod targets;

#[cfg(test)]
mod tests;

pub use batches::record_batch;
pub use connection::connection;
pub use frames::request;
#[cfg(test)]
pub(crate) use frames::{body, every_version};
pub use rng::Rng;
pub use targets::{header_guard_decode, mutated_request};
