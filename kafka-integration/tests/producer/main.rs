//! The promises of `producer`, against librdkafka's mock cluster.

mod batch;
mod closed_stderr;
mod pipeline;
mod refusals;
mod shutdown;
mod single;
mod support;
mod suppression;
