//! Record batches: the 61 bytes before the records, what makes a batch
//! acceptable, control batches.
//!
//! Batches are stored and served as they came. Nothing here re-encodes a
//! client's records.

mod control;
mod header;
mod search;
mod validate;

pub(crate) use self::control::control_batch;
pub(crate) use self::header::{BATCH_OVERHEAD, BatchHeader, advance};
pub(crate) use self::search::{first_at_or_after, greatest_timestamp};
pub(crate) use self::validate::{RecordsError, Rules, validate};

use bytes::BytesMut;

/// A batch that passed every check which needs no partition state: one whole
/// magic-2 batch, its checksum right, its records readable.
#[derive(Debug)]
pub(crate) struct ValidBatch {
    /// The header, with the timestamps it will be stored with.
    pub(crate) header: BatchHeader,
    /// The batch, owned, so that its base offset can be written into it.
    pub(crate) bytes: BytesMut,
}
