//! The records of a batch, one after the other.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use super::record::{Skimmed, Unreadable, skim, take};
use super::{BATCH_OVERHEAD, BatchHeader, Codec};

/// How much of a compressed batch is unfolded at a time.
const PIECE: usize = 16 * 1024;

/// A record's place and time, and whether it has a key and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordInfo {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) has_key: bool,
    pub(crate) has_value: bool,
    pub(crate) attributes: u8,
}

/// A record with its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeRecord<'a> {
    pub(crate) info: RecordInfo,
    pub(crate) key: Option<&'a [u8]>,
    /// From the key's length to the end of the headers.
    pub(super) rest: &'a [u8],
}

/// Visits the records of `batch` without their contents, until told to break.
///
/// A batch that is visited to its end is proved to consist of as many records
/// as its header says, and of nothing else. No more than `limit` bytes are
/// unfolded.
pub(crate) fn skim_records(
    header: &BatchHeader,
    batch: &[u8],
    limit: u64,
    mut visit: impl FnMut(RecordInfo) -> ControlFlow<()>,
) -> Result<(), Unreadable> {
    let payload = batch.get(BATCH_OVERHEAD..).unwrap_or_default();
    match codec(header)? {
        Codec::None => each(header, payload, |from| {
            Ok(visit(info(header, &skim(from)?)))
        }),
        codec => each(header, unfold(codec, payload, limit)?, |from| {
            Ok(visit(info(header, &skim(from)?)))
        }),
    }
    .map_err(|error| too_much(error, limit))
}

/// Visits the records of a stored `batch` with their contents.
pub(crate) fn visit_records(
    header: &BatchHeader,
    batch: &[u8],
    mut visit: impl FnMut(WholeRecord<'_>) -> ControlFlow<()>,
) -> Result<(), Unreadable> {
    let payload = batch.get(BATCH_OVERHEAD..).unwrap_or_default();
    // What was stored was looked at before.
    let limit = u64::MAX;
    let mut bytes = Vec::new();
    each(header, unfold(codec(header)?, payload, limit)?, |from| {
        let (skimmed, parts) = take(from, &mut bytes)?;
        Ok(visit(WholeRecord {
            info: info(header, &skimmed),
            key: skimmed.has_key.then(|| &bytes[parts.key]),
            rest: &bytes[parts.rest..],
        }))
    })
    .map_err(|error| too_much(error, limit))
}

fn codec(header: &BatchHeader) -> Result<Codec, Unreadable> {
    Codec::from_number(header.compression()).ok_or_else(|| {
        let unknown = io::Error::new(io::ErrorKind::Unsupported, "an unknown compression");
        Unreadable::Codec(unknown)
    })
}

fn each<R: BufRead>(
    header: &BatchHeader,
    mut from: R,
    mut next: impl FnMut(&mut R) -> Result<ControlFlow<()>, Unreadable>,
) -> Result<(), Unreadable> {
    for _ in 0..header.count {
        if next(&mut from)?.is_break() {
            return Ok(());
        }
    }
    // This also has the codec verify its own checksum, if it has one.
    if from.fill_buf().map_err(Unreadable::Codec)?.is_empty() {
        Ok(())
    } else {
        Err(Unreadable::Structure(
            "the batch holds more than its count of records",
        ))
    }
}

fn info(header: &BatchHeader, record: &Skimmed) -> RecordInfo {
    RecordInfo {
        offset: header
            .base_offset
            .wrapping_add(i64::from(record.offset_delta)),
        timestamp: if header.is_log_append_time() {
            header.max_timestamp
        } else {
            header.base_timestamp.wrapping_add(record.timestamp_delta)
        },
        has_key: record.has_key,
        has_value: record.has_value,
        attributes: record.attributes,
    }
}

fn unfold(
    codec: Codec,
    payload: &[u8],
    limit: u64,
) -> Result<BufReader<Bounded<Box<dyn Read + '_>>>, Unreadable> {
    let from = codec.reader(payload).map_err(Unreadable::Codec)?;
    let bounded = Bounded { from, left: limit };
    Ok(BufReader::with_capacity(PIECE, bounded))
}

/// Fails once more than so many bytes come.
struct Bounded<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

fn too_much(error: Unreadable, limit: u64) -> Unreadable {
    match error {
        Unreadable::Codec(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Unreadable::TooMuch { limit }
        }
        other => other,
    }
}
