use bytes::{BufMut, BytesMut};

use super::BATCH_OVERHEAD;

/// Transactional and control, uncompressed.
const ATTRIBUTES: i16 = 0x30;

/// The batch that ends a transaction on a partition: one record, which no
/// consumer is given. Its base offset is still to be written.
pub(crate) fn control_batch(
    producer_id: i64,
    epoch: i16,
    commit: bool,
    coordinator_epoch: i32,
    now: i64,
) -> BytesMut {
    // A record's lengths are zigzag varints; all of these are below 64.
    let record: [u8; 17] = {
        let mut record = [0; 17];
        record[0] = 16 << 1; // what follows, in bytes
        // attributes, timestamp delta and offset delta stay 0
        record[4] = 4 << 1; // key: version 0, then the kind of marker
        record[8] = u8::from(commit);
        record[9] = 6 << 1; // value: version 0, then the coordinator's epoch
        record[12..16].copy_from_slice(&coordinator_epoch.to_be_bytes());
        // no headers
        record
    };
    let size = BATCH_OVERHEAD + record.len();
    let mut batch = BytesMut::with_capacity(size);
    batch.put_i64(0);
    batch.put_i32((size - 12) as i32);
    batch.put_i32(0);
    batch.put_i8(2);
    batch.put_u32(0);
    batch.put_i16(ATTRIBUTES);
    batch.put_i32(0);
    batch.put_i64(now);
    batch.put_i64(now);
    batch.put_i64(producer_id);
    batch.put_i16(epoch);
    batch.put_i32(-1);
    batch.put_i32(1);
    batch.put_slice(&record);
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}
