use bytes::Bytes;

use super::varint;

/// A record batch as a broker sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBatch {
    /// Offset of the first record, or where it was before a compaction.
    pub base_offset: i64,
    /// The leader's epoch at its append.
    pub leader_epoch: i32,
    /// Codec, timestamp type, transactional and control bit.
    pub attributes: i16,
    /// The last offset, less the base offset.
    pub last_offset_delta: i32,
    /// Milliseconds since 1970.
    pub base_timestamp: i64,
    /// Milliseconds since 1970.
    pub max_timestamp: i64,
    /// -1 without idempotence.
    pub producer_id: i64,
    /// -1 without idempotence.
    pub producer_epoch: i16,
    /// -1 without idempotence.
    pub base_sequence: i32,
    /// The records; empty in a compressed batch.
    pub records: Vec<ReadRecord>,
    /// What a control batch says.
    pub marker: Option<Marker>,
    /// All its bytes.
    pub bytes: Bytes,
}

/// A record of a [`ReadBatch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRecord {
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds since 1970; in a batch of log append time that one's.
    pub timestamp: i64,
    /// The key; `None` is null.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// The end of a transaction in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// Committed, or aborted.
    pub commit: bool,
    /// The epoch of the coordinator that wrote it.
    pub coordinator_epoch: i32,
}

impl ReadBatch {
    /// Its last offset.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The values of its records as text; a null is empty.
    pub fn values(&self) -> Vec<String> {
        let text = |record: &ReadRecord| {
            String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
        };
        self.records.iter().map(text).collect()
    }
}

/// All whole batches in `bytes`; a broker may send the last one cut.
///
/// # Panics
/// When a whole batch is not of version 2, its checksum is wrong or its records
/// are not what the header says.
pub fn read_batches(bytes: &Bytes) -> Vec<ReadBatch> {
    let mut batches = Vec::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at + 8..at + 12) {
        let length = i32::from_be_bytes(length.try_into().expect("four bytes"));
        let end = at + 12 + usize::try_from(length).expect("a batch has a length");
        if bytes.len() < end {
            break;
        }
        batches.push(read(bytes.slice(at..end)));
        at = end;
    }
    batches
}

fn read(bytes: Bytes) -> ReadBatch {
    fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        bytes[at..at + N].try_into().expect("a batch's header")
    }
    assert_eq!(bytes[16], 2, "the batch's magic number");
    let crc = u32::from_be_bytes(number(&bytes, 17));
    assert_eq!(crc, crc32c::crc32c(&bytes[21..]), "the batch's checksum");
    let mut batch = ReadBatch {
        base_offset: i64::from_be_bytes(number(&bytes, 0)),
        leader_epoch: i32::from_be_bytes(number(&bytes, 12)),
        attributes: i16::from_be_bytes(number(&bytes, 21)),
        last_offset_delta: i32::from_be_bytes(number(&bytes, 23)),
        base_timestamp: i64::from_be_bytes(number(&bytes, 27)),
        max_timestamp: i64::from_be_bytes(number(&bytes, 35)),
        producer_id: i64::from_be_bytes(number(&bytes, 43)),
        producer_epoch: i16::from_be_bytes(number(&bytes, 51)),
        base_sequence: i32::from_be_bytes(number(&bytes, 53)),
        records: Vec::new(),
        marker: None,
        bytes: bytes.clone(),
    };
    let count = i32::from_be_bytes(number(&bytes, 57));
    if batch.attributes & 7 == 0 {
        let mut rest = &bytes[61..];
        for _ in 0..count {
            let record = record(&batch, &mut rest).expect("a record");
            batch.records.push(record);
        }
        assert!(rest.is_empty(), "bytes after the last record");
    }
    if batch.attributes & 0x20 != 0 {
        let record = batch.records.first().expect("a control record");
        let key = record.key.as_deref().expect("a control record's key");
        let value = record.value.as_deref().expect("a control record's value");
        batch.marker = Some(Marker {
            commit: key == [0, 0, 0, 1],
            coordinator_epoch: i32::from_be_bytes(number(value, 2)),
        });
    }
    batch
}

fn record(batch: &ReadBatch, input: &mut &[u8]) -> Option<ReadRecord> {
    let length = usize::try_from(varint::take(input)?).ok()?;
    let (mut body, rest) = input.split_at_checked(length)?;
    *input = rest;
    let body = &mut body;
    let (_attributes, rest) = body.split_first()?;
    *body = rest;
    let timestamp = batch.base_timestamp + varint::take(body)?;
    let offset = batch.base_offset + varint::take(body)?;
    let key = take_bytes(body)?;
    let value = take_bytes(body)?;
    let mut headers = Vec::new();
    for _ in 0..varint::take(body)? {
        headers.push((take_bytes(body)??, take_bytes(body)?));
    }
    let appended = batch.attributes & 8 != 0;
    body.is_empty().then_some(ReadRecord {
        offset,
        timestamp: if appended {
            batch.max_timestamp
        } else {
            timestamp
        },
        key,
        value,
        headers,
    })
}

fn take_bytes(input: &mut &[u8]) -> Option<Option<Bytes>> {
    let length = varint::take(input)?;
    if length == -1 {
        return Some(None);
    }
    let (bytes, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(Some(Bytes::copy_from_slice(bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::{Batch, Record};
    use super::*;

    #[test]
    fn what_is_built_is_read() {
        let mut one = Record::new("one").key("k").at(5);
        one.headers = vec![("h".into(), None), ("h".into(), Some("v".into()))];
        let batch = Batch::new([one, Record::new("two").at(4)]).producer(7, 1, 3);
        let mut bytes = batch.encode().to_vec();
        bytes.extend(&batch.encode()[..40]);
        let read = read_batches(&bytes.into());
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].values(), ["one", "two"]);
        assert_eq!(read[0].records[0].headers.len(), 2);
        assert_eq!(read[0].records[1].timestamp, 4);
        assert_eq!((read[0].producer_id, read[0].base_sequence), (7, 3));
    }
}
