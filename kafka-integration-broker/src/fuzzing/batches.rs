//! Record batches.

use bytes::Bytes;

use super::process::assert_memory_bounded;
use super::rng::Rng;
use crate::configs::TopicConfig;
use crate::records::{Rules, first_at_or_after, greatest_timestamp, validate};

/// A batch of a few uncompressed records, as a producer sends it.
pub(super) fn batch(rng: &mut Rng) -> Vec<u8> {
    let count = 1 + rng.below(3) as i32;
    let mut records = Vec::new();
    for delta in 0..count {
        // Attributes, timestamp and offset delta, no key, a value, no headers.
        // The numbers are zigzag varints of one byte.
        let mut record = vec![0, 2, (delta as u8) << 1, 1];
        let value = vec![b'v'; rng.below(50)];
        record.push((value.len() as u8) << 1);
        record.extend(value);
        record.push(0);
        records.push((record.len() as u8) << 1);
        records.extend(record);
    }
    let producer: (i64, i16, i32) = match rng.below(3) {
        0 => (rng.below(4) as i64, 0, rng.below(4) as i32),
        _ => (-1, -1, -1),
    };
    let mut batch = Vec::new();
    batch.extend(0_i64.to_be_bytes());
    batch.extend([0; 4]); // length, below
    batch.extend((-1_i32).to_be_bytes());
    batch.push(2);
    batch.extend([0; 4]); // checksum, below
    batch.extend([0, [0, 0, 0, 0x10][rng.below(4)]]);
    batch.extend((count - 1).to_be_bytes());
    batch.extend(1_700_000_000_000_i64.to_be_bytes());
    batch.extend(1_700_000_000_001_i64.to_be_bytes());
    batch.extend(producer.0.to_be_bytes());
    batch.extend(producer.1.to_be_bytes());
    batch.extend(producer.2.to_be_bytes());
    batch.extend(count.to_be_bytes());
    batch.extend(records);
    mend(&mut batch, LENGTH | CHECKSUM);
    batch
}

const LENGTH: u8 = 1;
const CHECKSUM: u8 = 2;

/// Writes the length and the checksum that the bytes should have, so that
/// damage behind them is seen at all.
fn mend(batch: &mut [u8], what: u8) {
    let length = batch.len() as u32;
    if what & LENGTH != 0
        && let Some(field) = batch.get_mut(8..12)
    {
        field.copy_from_slice(&length.wrapping_sub(12).to_be_bytes());
    }
    if what & CHECKSUM != 0 && batch.len() > 21 {
        let checksum = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// What Produce has for a partition: checked as Produce does, and when it is
/// taken, looked into as ListOffsets does.
///
/// Bits of the first byte: 1 writes the right length first, 2 the right
/// checksum. The rest is the batch.
///
/// # Panics
/// When a batch that was taken can't be read, or the process grew out of its
/// bounds.
pub fn record_batch(data: &[u8]) {
    let Some((how, batch)) = data.split_first() else {
        return;
    };
    let mut batch = batch.to_vec();
    mend(&mut batch, *how);
    let batch = Bytes::from(batch);
    for version in [3, 11] {
        let rules = Rules::of(&TopicConfig::default(), version);
        let Ok(taken) = validate(&batch, &rules) else {
            continue;
        };
        let header = taken.header;
        assert!(taken.bytes.len() <= batch.len(), "the batch grew");
        assert!(header.last_offset() >= header.base_offset);
        if header.has_producer() {
            assert!(header.last_sequence() >= 0);
        }
        // What was taken can be looked into.
        let greatest = greatest_timestamp(&taken.bytes);
        assert!(
            greatest.is_some() || header.max_timestamp < 0,
            "no record has the greatest timestamp of {header:?}"
        );
        for timestamp in [i64::MIN, 0, 1_700_000_000_001, i64::MAX] {
            first_at_or_after(&taken.bytes, timestamp, 0);
        }
    }
    assert_memory_bounded();
}
