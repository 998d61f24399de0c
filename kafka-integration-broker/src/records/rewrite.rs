//! A batch with fewer records than it had.

use std::io;
use std::ops::ControlFlow;

use bytes::{BufMut, Bytes, BytesMut};

use super::read::{WholeRecord, visit_records};
use super::record::{Unreadable, put_varint, put_varlong};
use super::{BATCH_OVERHEAD, BatchHeader, Codec};

/// Writes a batch anew with all of its records in another compression.
pub(super) fn recompress(
    header: &BatchHeader,
    batch: &[u8],
    codec: Codec,
) -> Result<Bytes, Unreadable> {
    encode(header, batch, codec, None, |_| true)
}

/// Writes a batch anew with those of its records that `keep` says, each with
/// its offset, timestamp and contents as they were. The batch keeps its base
/// offset, its last offset and its compression; without records it is empty.
///
/// With a `horizon`, in ms since 1970, the batch says that its tombstones may
/// be removed from then on, where Kafka puts it: in place of the timestamp
/// that the records' timestamps count from.
pub(crate) fn rewrite(
    header: &BatchHeader,
    batch: &[u8],
    horizon: Option<i64>,
    keep: impl FnMut(&WholeRecord<'_>) -> bool,
) -> Result<Bytes, Unreadable> {
    let codec = Codec::from_number(header.compression()).unwrap_or(Codec::None);
    encode(header, batch, codec, horizon, keep)
}

fn encode(
    header: &BatchHeader,
    batch: &[u8],
    codec: Codec,
    horizon: Option<i64>,
    mut keep: impl FnMut(&WholeRecord<'_>) -> bool,
) -> Result<Bytes, Unreadable> {
    let mut changed = *header;
    if let Some(horizon) = horizon {
        changed.set_delete_horizon(horizon);
    }
    let mut records = Vec::new();
    let mut body = Vec::new();
    let mut count = 0;
    let mut max_timestamp = None;
    visit_records(header, batch, |record| {
        if !keep(&record) {
            return ControlFlow::Continue(());
        }
        count += 1;
        max_timestamp = max_timestamp.max(Some(record.info.timestamp));
        body.clear();
        body.push(record.info.attributes);
        // With the broker's time the deltas mean nothing, but stay small.
        let delta = if header.is_log_append_time() {
            0
        } else {
            record.info.timestamp.wrapping_sub(changed.base_timestamp)
        };
        put_varlong(&mut body, delta);
        // It came from an offset that was base plus such a number.
        put_varint(&mut body, (record.info.offset - header.base_offset) as i32);
        body.extend_from_slice(record.rest);
        put_varint(&mut records, body.len() as i32);
        records.extend_from_slice(&body);
        ControlFlow::Continue(())
    })?;
    changed.count = count;
    if let (Some(max_timestamp), false) = (max_timestamp, header.is_log_append_time()) {
        changed.max_timestamp = max_timestamp;
    }
    let payload = if count == 0 {
        changed.set_compression(Codec::None);
        Vec::new()
    } else {
        changed.set_compression(codec);
        codec.compress(&records).map_err(Unreadable::Codec)?
    };
    let length = i32::try_from(BATCH_OVERHEAD - 12 + payload.len());
    changed.length =
        length.map_err(|_| Unreadable::Codec(io::Error::from(io::ErrorKind::FileTooLarge)))?;
    Ok(write(&changed, &payload))
}

/// The batch with its checksum.
fn write(header: &BatchHeader, payload: &[u8]) -> Bytes {
    let mut batch = BytesMut::with_capacity(BATCH_OVERHEAD + payload.len());
    batch.put_i64(header.base_offset);
    batch.put_i32(header.length);
    batch.put_i32(header.leader_epoch);
    batch.put_i8(header.magic);
    batch.put_u32(0);
    batch.put_i16(header.attributes);
    batch.put_i32(header.last_offset_delta);
    batch.put_i64(header.base_timestamp);
    batch.put_i64(header.max_timestamp);
    batch.put_i64(header.producer_id);
    batch.put_i16(header.producer_epoch);
    batch.put_i32(header.base_sequence);
    batch.put_i32(header.count);
    batch.put_slice(payload);
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}
