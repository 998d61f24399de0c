//! Producing: `Orders.produce(order).key(id).await?`, acknowledged.
//!
//! - One record: [`Topic::produce`](crate::topic::Topic::produce) waits for its
//!   acknowledgement.
//! - Many: [`Topic::pipeline`](crate::topic::Topic::pipeline) keeps many on
//!   their way within a bound, and
//!   [`Topic::produce_batch`](crate::topic::Topic::produce_batch) does that for
//!   records that are there already.
//! - Serialized records for any topic: [`Producer::send_outgoing`] and
//!   [`Producer::pipeline`].
//! - Nothing at all for a while: [`Suppression`].
//!
//! A full queue is no error anywhere: the call waits until there is room. A
//! record that is not delivered is an error at its caller, and in the log when
//! the caller stopped waiting.
//!
//! There is one producer per cluster, idempotent and with `acks=all` unless the
//! settings say otherwise. [`Kafka::shutdown`](crate::Kafka::shutdown) delivers
//! what is queued before the process ends; without it, what is queued is lost.

mod batch;
mod builder;
mod client;
mod clusters;
mod context;
mod delivery;
mod error;
mod failure;
pub(crate) mod moves;
mod outgoing;
mod outgoing_pipeline;
mod pipeline;
mod pipeline_error;
mod receipt;
mod record;
mod room;
mod slots;
mod suppress;
mod tracker;

pub use batch::{BatchError, ProduceBatch};
pub use builder::Produce;
pub use client::Producer;
pub use clusters::FlushReport;
pub(crate) use clusters::Producers;
pub use delivery::Delivery;
pub use error::{ClientErrorCode, ProduceError, Written};
pub use outgoing::Outgoing;
pub use outgoing_pipeline::OutgoingPipeline;
pub use pipeline::Pipeline;
pub use pipeline_error::{FailedRecord, PipelineError, Summary, Undelivered};
pub(crate) use receipt::Receipt;
pub use record::Record;
pub use suppress::{Suppression, suppress, unsuppressed};
