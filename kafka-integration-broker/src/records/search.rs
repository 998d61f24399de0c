//! Looking into one batch.

use super::BatchHeader;

/// Timestamp and offset of the batch's first record at `timestamp` or later.
pub(crate) fn first_at_or_after(batch: &[u8], timestamp: i64) -> Option<(i64, i64)> {
    let header = BatchHeader::read(batch)?;
    (header.max_timestamp >= timestamp).then_some((header.max_timestamp, header.base_offset))
}

/// The batch's greatest timestamp, and the first offset that has it.
pub(crate) fn greatest_timestamp(batch: &[u8]) -> Option<(i64, i64)> {
    let header = BatchHeader::read(batch)?;
    Some((header.max_timestamp, header.base_offset))
}
