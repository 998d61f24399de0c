//! The runner's promises, against Apache Kafka and with things going wrong.

mod batches;
mod broker;
mod handlers;
mod kill;
mod memory;
mod retry;
mod rolling;
mod shutdown;
mod stuck;
mod supervise;
mod zombie;
