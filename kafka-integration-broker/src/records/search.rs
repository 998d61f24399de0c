//! Looking into one stored batch.

use std::ops::ControlFlow;

use super::BatchHeader;
use super::read::skim_records;

/// Timestamp and offset of the batch's first record at `timestamp` or later,
/// of those from the offset `start` on.
pub(crate) fn first_at_or_after(batch: &[u8], timestamp: i64, start: i64) -> Option<(i64, i64)> {
    let header = BatchHeader::read(batch)?;
    if header.max_timestamp < timestamp || header.last_offset() < start {
        return None;
    }
    let mut found = None;
    let visited = skim_records(&header, batch, u64::MAX, |record| {
        if record.timestamp < timestamp || record.offset < start {
            return ControlFlow::Continue(());
        }
        found = Some((record.timestamp, record.offset));
        ControlFlow::Break(())
    });
    // What is stored was read before. Should that no longer be possible, the
    // batch as a whole is the best there is to say.
    if visited.is_err() {
        return Some((header.max_timestamp, header.base_offset.max(start)));
    }
    found
}

/// The batch's greatest timestamp, and the first offset that has it.
pub(crate) fn greatest_timestamp(batch: &[u8]) -> Option<(i64, i64)> {
    first_at_or_after(batch, BatchHeader::read(batch)?.max_timestamp, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Codec;
    use crate::records::build::{Batch, Given};

    /// Offsets 100 to 103.
    fn batch(codec: Codec, times: [i64; 4]) -> bytes::Bytes {
        let records = times
            .iter()
            .zip(0..)
            .map(|(time, offset_delta)| Given {
                offset_delta,
                timestamp_delta: time - 1_000,
                ..Given::default()
            })
            .collect();
        let batch = Batch {
            base_offset: 100,
            codec,
            records,
            ..Batch::default()
        };
        batch.bytes()
    }

    #[test]
    fn the_first_in_log_order_is_found() {
        for codec in [Codec::None, Codec::Gzip, Codec::Lz4] {
            let batch = batch(codec, [1_005, 1_001, 1_009, 1_009]);
            assert_eq!(first_at_or_after(&batch, 0, 0), Some((1_005, 100)));
            assert_eq!(first_at_or_after(&batch, 1_005, 0), Some((1_005, 100)));
            assert_eq!(first_at_or_after(&batch, 1_006, 0), Some((1_009, 102)));
            assert_eq!(first_at_or_after(&batch, 1_010, 0), None);
            assert_eq!(greatest_timestamp(&batch), Some((1_009, 102)));
            // Records before the log's start don't count.
            assert_eq!(first_at_or_after(&batch, 0, 101), Some((1_001, 101)));
            assert_eq!(first_at_or_after(&batch, 1_002, 101), Some((1_009, 102)));
            assert_eq!(first_at_or_after(&batch, 0, 104), None);
        }
    }

    #[test]
    fn when_the_broker_gave_the_time_all_records_have_the_same() {
        let mut bytes = batch(Codec::None, [5, 1, 9, 9]).to_vec();
        bytes[22] |= 0x08;
        assert_eq!(first_at_or_after(&bytes, 7, 0), Some((9, 100)));
        assert_eq!(greatest_timestamp(&bytes), Some((9, 100)));
    }
}
