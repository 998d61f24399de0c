//! A small Kafka client that does nothing by itself: it sends any request in
//! any version, also wrong ones, and hands back what came. Only the messages'
//! layouts are the `kafka-protocol` crate's; frames, correlation and record
//! batches are this client's own, so that they can be broken on purpose.
//!
//! It is for tests: what a broker should never do makes it panic.

mod batch;
mod connection;
mod read;
mod varint;

pub use batch::{Batch, Compress, Record};
pub use connection::{Connection, Ticket};
pub use read::{Marker, ReadBatch, ReadRecord, read_batches};
