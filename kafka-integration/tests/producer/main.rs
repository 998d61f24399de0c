//! The promises of `producer`, against librdkafka's mock cluster.

mod batch;
mod pipeline;
mod refusals;
mod shutdown;
mod single;
mod support;
mod suppression;
