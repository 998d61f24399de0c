//! Record batches: the 61 bytes before the records, what makes a batch
//! acceptable, control batches.
//!
//! Batches are stored and served as they came. Only log cleaning, and a topic
//! that names a compression, write records anew, and copy each as it stands.
//!
//! Where this is not Apache Kafka 4.1:
//! - The records of a batch must be numbered from 0 on without a gap. Apache
//!   Kafka numbers compressed ones anew, and doesn't look at others.
//! - A batch that unfolds to more than 256 times `max.message.bytes` (64 MiB
//!   at least, 1 GiB at most) is too large; where the topic names its own
//!   compression, to more than 16 times.
//! - A batch that a topic compresses itself has the compression's usual level.

#[cfg(test)]
pub(crate) mod build;
mod codec;
mod control;
mod error;
mod header;
mod read;
mod record;
mod rewrite;
mod search;
mod snappy;
mod validate;
#[cfg(test)]
mod validate_tests;

pub(crate) use self::codec::Codec;
pub(crate) use self::control::control_batch;
pub(crate) use self::error::{RecordProblem, RecordsError};
pub(crate) use self::header::{BATCH_OVERHEAD, BatchHeader, advance};
pub(crate) use self::read::{WholeRecord, visit_records};
pub(crate) use self::record::Unreadable;
pub(crate) use self::rewrite::rewrite;
pub(crate) use self::search::{first_at_or_after, greatest_timestamp};
#[cfg(any(test, fuzzing))]
pub(crate) use self::validate::validate;
pub(crate) use self::validate::{Rules, validate_aside};

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

impl ValidBatch {
    /// Says whose time it is and which is the greatest. The checksum is
    /// computed anew only when that changes anything.
    fn set_time(&mut self, by_broker: bool, max_timestamp: i64) {
        let header = &mut self.header;
        if header.is_log_append_time() == by_broker && header.max_timestamp == max_timestamp {
            return;
        }
        header.set_log_append_time(by_broker);
        header.max_timestamp = max_timestamp;
        self.bytes[21..23].copy_from_slice(&header.attributes.to_be_bytes());
        self.bytes[35..43].copy_from_slice(&max_timestamp.to_be_bytes());
        header.crc = crc32c::crc32c(&self.bytes[21..]);
        self.bytes[17..21].copy_from_slice(&header.crc.to_be_bytes());
    }
}
