use bytes::Buf;

use super::Codec;

/// Bytes of a batch before its first record.
pub(crate) const BATCH_OVERHEAD: usize = 61;

const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const LOG_APPEND_TIME: i16 = 0x08;
const DELETE_HORIZON: i16 = 0x40;
const COMPRESSION: i16 = 0x07;

/// The fixed part of a record batch, magic 2.
///
/// Layout: <https://kafka.apache.org/41/implementation/message-format/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// Bytes after this field: the batch's size less 12.
    pub(crate) length: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) magic: i8,
    pub(crate) crc: u32,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) count: i32,
}

impl BatchHeader {
    /// Reads the header at the beginning of `bytes`; `None` when there are
    /// fewer than [`BATCH_OVERHEAD`].
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut at = bytes.get(..BATCH_OVERHEAD)?;
        Some(Self {
            base_offset: at.get_i64(),
            length: at.get_i32(),
            leader_epoch: at.get_i32(),
            magic: at.get_i8(),
            crc: at.get_u32(),
            attributes: at.get_i16(),
            last_offset_delta: at.get_i32(),
            base_timestamp: at.get_i64(),
            max_timestamp: at.get_i64(),
            producer_id: at.get_i64(),
            producer_epoch: at.get_i16(),
            base_sequence: at.get_i32(),
            count: at.get_i32(),
        })
    }

    /// Writes into a batch where it stands. Neither field is under the
    /// checksum. Fewer than [`BATCH_OVERHEAD`] bytes are left as they are.
    pub(crate) fn place(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
        if batch.len() >= BATCH_OVERHEAD {
            batch[..8].copy_from_slice(&base_offset.to_be_bytes());
            batch[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
        }
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The sequence number of the last record; sequences begin again at 0
    /// after `i32::MAX`.
    pub(crate) fn last_sequence(&self) -> i32 {
        advance(self.base_sequence, self.last_offset_delta)
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(crate) fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    pub(super) fn set_log_append_time(&mut self, by_broker: bool) {
        if by_broker {
            self.attributes |= LOG_APPEND_TIME;
        } else {
            self.attributes &= !LOG_APPEND_TIME;
        }
    }

    /// From when on the batch's tombstones, or its marker, may be removed, in
    /// ms since 1970. Log cleaning says so where it has met them once.
    pub(crate) fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    pub(super) fn set_delete_horizon(&mut self, horizon: i64) {
        self.attributes |= DELETE_HORIZON;
        self.base_timestamp = horizon;
    }

    pub(super) fn set_compression(&mut self, codec: Codec) {
        self.attributes = self.attributes & !COMPRESSION | codec as i16;
    }

    pub(crate) fn has_producer(&self) -> bool {
        self.producer_id >= 0
    }

    /// 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub(crate) fn compression(&self) -> i16 {
        self.attributes & COMPRESSION
    }
}

/// `sequence` moved on by `by` records.
pub(crate) fn advance(sequence: i32, by: i32) -> i32 {
    let room = i32::MAX - sequence;
    if by > room {
        by - room - 1
    } else {
        sequence + by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_begin_again_after_the_largest() {
        assert_eq!(advance(0, 4), 4);
        assert_eq!(advance(i32::MAX, 1), 0);
        assert_eq!(advance(i32::MAX - 1, 1), i32::MAX);
        assert_eq!(advance(i32::MAX - 1, 4), 2);
    }
}
