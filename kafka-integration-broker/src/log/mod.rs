//! Topics and their partitions, as everybody but the writer sees them.
//!
//! What is here was committed: a view changes only after the transaction that
//! made the change durable, and only the [writer](crate::store::Writer)
//! changes it.

mod append_state;
mod catalogue;
mod name;
mod partition;
mod search;
mod tail;
mod topic;
mod waiters;

pub(crate) use self::append_state::{AppendState, Producer, SequenceError, Sequenced};
pub(crate) use self::catalogue::Catalogue;
pub(crate) use self::name::{name_problem, names_collide};
pub(crate) use self::partition::{
    AbortedTransaction, Partition, PartitionId, PartitionView, ReadError,
};
pub(crate) use self::tail::{StoredBatch, Tail};
pub(crate) use self::topic::Topic;
pub(crate) use self::waiters::{Waiter, Waiters};

/// The leader epoch of every partition. One node never changes leaders, and
/// librdkafka ignores an epoch lower than one it has seen.
pub(crate) const LEADER_EPOCH: i32 = 0;
