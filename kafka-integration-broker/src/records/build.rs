//! Batches for tests.

use bytes::{BufMut, Bytes, BytesMut};

use super::record::{put_varint, put_varlong};
use super::{BATCH_OVERHEAD, Codec};

/// A record to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) offset_delta: i32,
    pub(crate) timestamp_delta: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A batch to be written. Its count and last offset follow from its records.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) base_offset: i64,
    pub(crate) codec: Codec,
    /// Beside the codec's bits.
    pub(crate) attributes: i16,
    pub(crate) base_timestamp: i64,
    pub(crate) producer: Option<(i64, i16, i32)>,
    pub(crate) records: Vec<Given>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            base_offset: 0,
            codec: Codec::None,
            attributes: 0,
            base_timestamp: 1_000,
            producer: None,
            records: Vec::new(),
        }
    }
}

impl Batch {
    /// Adds a record one millisecond after the one before.
    pub(crate) fn with(mut self, key: Option<&str>, value: Option<&str>) -> Self {
        let at = self.records.len();
        self.records.push(Given {
            offset_delta: at as i32,
            timestamp_delta: at as i64,
            key: key.map(|key| key.as_bytes().to_vec()),
            value: value.map(|value| value.as_bytes().to_vec()),
            headers: Vec::new(),
        });
        self
    }

    pub(crate) fn bytes(&self) -> Bytes {
        let payload: Vec<u8> = self.records.iter().flat_map(record).collect();
        let payload = self.codec.compress(&payload).expect("compresses");
        let last = self.records.last().map_or(0, |last| last.offset_delta);
        let deltas = self.records.iter().map(|record| record.timestamp_delta);
        let max_timestamp = self.base_timestamp + deltas.max().unwrap_or(0);
        let (id, epoch, sequence) = self.producer.unwrap_or((-1, -1, -1));
        let mut batch = BytesMut::new();
        batch.put_i64(self.base_offset);
        batch.put_i32((BATCH_OVERHEAD - 12 + payload.len()) as i32);
        batch.put_i32(-1);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(self.attributes | self.codec as i16);
        batch.put_i32(last);
        batch.put_i64(self.base_timestamp);
        batch.put_i64(max_timestamp);
        batch.put_i64(id);
        batch.put_i16(epoch);
        batch.put_i32(sequence);
        batch.put_i32(self.records.len() as i32);
        batch.put_slice(&payload);
        seal(&mut batch);
        batch.freeze()
    }
}

/// Writes the checksum of what stands there now.
pub(crate) fn seal(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

/// One record as it stands in a batch.
pub(crate) fn record(given: &Given) -> Vec<u8> {
    let field = |into: &mut Vec<u8>, bytes: Option<&[u8]>| match bytes {
        None => put_varint(into, -1),
        Some(bytes) => {
            put_varint(into, bytes.len() as i32);
            into.extend_from_slice(bytes);
        }
    };
    let mut body = vec![0];
    put_varlong(&mut body, given.timestamp_delta);
    put_varint(&mut body, given.offset_delta);
    field(&mut body, given.key.as_deref());
    field(&mut body, given.value.as_deref());
    put_varint(&mut body, given.headers.len() as i32);
    for (key, value) in &given.headers {
        field(&mut body, Some(key));
        field(&mut body, value.as_deref());
    }
    let mut record = Vec::new();
    put_varint(&mut record, body.len() as i32);
    record.extend(body);
    record
}
