use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::varint;

/// One record of a [`Batch`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key; `None` is null.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order, keys as bytes so that they can be wrong.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

impl Record {
    /// A record with a value only, at [`Record::today`].
    pub fn new(value: impl Into<Bytes>) -> Self {
        Self {
            timestamp: Self::today(),
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// The timestamp of records that do not say another, in milliseconds since
    /// 1970: always the same, and not so old that a broker would drop them.
    pub fn today() -> i64 {
        static TODAY: OnceLock<i64> = OnceLock::new();
        *TODAY.get_or_init(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_millis() as i64 - 600_000)
        })
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With this timestamp, in milliseconds since 1970.
    #[must_use]
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self
    }

    fn encode(&self, offset_delta: i64, base_timestamp: i64) -> Vec<u8> {
        let mut body = vec![0];
        varint::put(&mut body, self.timestamp.wrapping_sub(base_timestamp));
        varint::put(&mut body, offset_delta);
        put_bytes(&mut body, self.key.as_deref());
        put_bytes(&mut body, self.value.as_deref());
        varint::put(&mut body, self.headers.len() as i64);
        for (key, value) in &self.headers {
            put_bytes(&mut body, Some(key));
            put_bytes(&mut body, value.as_deref());
        }
        let mut out = Vec::new();
        varint::put(&mut out, body.len() as i64);
        out.extend(body);
        out
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else {
        return varint::put(out, -1);
    };
    varint::put(out, bytes.len() as i64);
    out.extend(bytes);
}

/// Compresses the encoded records of a batch.
pub type Compress = fn(&[u8]) -> Vec<u8>;

/// A record batch, right unless told otherwise: a field of type `Option` is
/// what the records say, or the wrong value that a test puts there.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What a producer leaves 0.
    pub base_offset: i64,
    /// What a producer leaves -1.
    pub leader_epoch: i32,
    /// 2 in any batch since Kafka 0.11.
    pub magic: i8,
    /// Bits 0 to 2 codec, 3 log append time, 4 transactional, 5 control.
    pub attributes: i16,
    /// Overrides the records' last offset delta.
    pub last_offset_delta: Option<i32>,
    /// Overrides the records' greatest timestamp.
    pub max_timestamp: Option<i64>,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// -1 without idempotence.
    pub base_sequence: i32,
    /// Overrides the number of records.
    pub count: Option<i32>,
    /// Overrides the checksum.
    pub crc: Option<u32>,
    /// Overrides the length.
    pub length: Option<i32>,
    /// The records.
    pub records: Vec<Record>,
    /// What becomes of the encoded records; the codec in `attributes` has to
    /// fit it.
    pub compress: Option<Compress>,
}

impl Batch {
    /// The attribute bit of a transactional batch.
    pub const TRANSACTIONAL: i16 = 0x10;
    /// The attribute bit of a control batch.
    pub const CONTROL: i16 = 0x20;

    /// A batch of these records, of no producer id.
    pub fn new(records: impl IntoIterator<Item = Record>) -> Self {
        Self {
            base_offset: 0,
            leader_epoch: -1,
            magic: 2,
            attributes: 0,
            last_offset_delta: None,
            max_timestamp: None,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: None,
            crc: None,
            length: None,
            records: records.into_iter().collect(),
            compress: None,
        }
    }

    /// A batch with one record for each of these values.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(
            values
                .into_iter()
                .map(|value| Record::new(value.to_owned())),
        )
    }

    /// As an idempotent producer sends it.
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.producer_id = id;
        self.producer_epoch = epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// With the transactional bit.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.attributes |= Self::TRANSACTIONAL;
        self
    }

    /// Compressed with this codec: its number and its function.
    #[must_use]
    pub fn compressed(mut self, codec: i16, compress: Compress) -> Self {
        self.attributes = (self.attributes & !7) | codec;
        self.compress = Some(compress);
        self
    }

    /// The bytes of the batch.
    pub fn encode(&self) -> Bytes {
        let base_timestamp = self.records.first().map_or(-1, |record| record.timestamp);
        let greatest = self.records.iter().map(|record| record.timestamp).max();
        let count = self.records.len() as i32;

        let mut records = Vec::new();
        for (delta, record) in (0..).zip(&self.records) {
            records.extend(record.encode(delta, base_timestamp));
        }
        if let Some(compress) = self.compress {
            records = compress(&records);
        }

        let mut checked = Vec::new();
        checked.extend(self.attributes.to_be_bytes());
        checked.extend(self.last_offset_delta.unwrap_or(count - 1).to_be_bytes());
        checked.extend(base_timestamp.to_be_bytes());
        let max_timestamp = self.max_timestamp.or(greatest).unwrap_or(-1);
        checked.extend(max_timestamp.to_be_bytes());
        checked.extend(self.producer_id.to_be_bytes());
        checked.extend(self.producer_epoch.to_be_bytes());
        checked.extend(self.base_sequence.to_be_bytes());
        checked.extend(self.count.unwrap_or(count).to_be_bytes());
        checked.extend(records);

        let length = self.length.unwrap_or(checked.len() as i32 + 9);
        let mut out = Vec::new();
        out.extend(self.base_offset.to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend(self.leader_epoch.to_be_bytes());
        out.extend(self.magic.to_be_bytes());
        let crc = self.crc.unwrap_or_else(|| crc32c::crc32c(&checked));
        out.extend(crc.to_be_bytes());
        out.extend(checked);
        out.into()
    }
}
