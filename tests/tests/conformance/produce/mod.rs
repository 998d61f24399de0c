//! Produce.

mod acks;
mod batches;
mod codecs;
mod idempotence;
