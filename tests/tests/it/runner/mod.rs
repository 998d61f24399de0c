//! The runner in this process, on the embedded broker and on Apache Kafka.

mod backpressure;
mod batches;
mod failures;
mod messages;
mod moves;
mod order;
mod rebalance;
mod record;
mod restart;
