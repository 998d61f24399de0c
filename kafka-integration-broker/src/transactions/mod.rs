//! The transaction coordinator: producer ids, and which partitions and groups
//! a transaction has touched.
//!
//! A transaction ends in one change of the store: markers on its partitions,
//! its offsets made visible or dropped, and its own state. So none is ever
//! found half done, and the states `PrepareCommit` and `PrepareAbort` of
//! Apache Kafka don't occur.
//!
//! Version 1 of the protocol names partitions and groups before it writes to
//! them (AddPartitionsToTxn, AddOffsetsToTxn); version 2 does it by writing,
//! and raises the epoch with each end, so that a late request of one
//! transaction cannot get into the next.

mod command;
mod coordinator;
mod end;
mod enlist;
mod init;
mod producer_ids;
mod shard;
mod transaction;

#[cfg(test)]
mod tests;

pub(crate) use self::command::{Described, Listed, OffsetsToCommit, Protocol};
pub(crate) use self::coordinator::{Coordinator, RestoreError, Shared, Stored};
pub(crate) use self::transaction::Identity;

/// The longest timeout a producer may ask for, in ms: Kafka's default of
/// `transaction.max.timeout.ms`, 15 minutes.
const MAX_TIMEOUT_MS: i32 = 15 * 60 * 1000;

/// How long a transactional id without a transaction is remembered, in ms:
/// Kafka's default of `transactional.id.expiration.ms`, 7 days.
const EXPIRATION_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// One node is the coordinator for ever.
const COORDINATOR_EPOCH: i32 = 0;
