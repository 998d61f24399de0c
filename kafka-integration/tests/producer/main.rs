//! The promises of `producer`, against the embedded broker.

mod batch;
mod closed_stderr;
mod pipeline;
mod refusals;
mod shutdown;
mod single;
mod support;
mod suppression;
