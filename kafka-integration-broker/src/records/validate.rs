//! Whether a client's records can be taken.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};

use super::read::{RecordInfo, skim_records};
use super::record::Unreadable;
use super::rewrite::recompress;
use super::{BatchHeader, Codec, RecordProblem, RecordsError, ValidBatch};
use crate::clock::now_ms;
use crate::configs::{TimestampType, TopicConfig};

/// A record's timestamp that was never set.
const NO_TIMESTAMP: i64 = -1;
/// Records of one batch whose problems are named; a client can't send so many
/// bad ones by mistake, and each takes memory.
const MOST_PROBLEMS: usize = 1_000;
/// The largest batch may unfold to so many times the largest allowed batch.
const MOST_UNFOLDED: u64 = 256;

/// What a topic and the request's version demand.
#[derive(Debug)]
pub(crate) struct Rules {
    max_message_bytes: usize,
    compacted: bool,
    timestamp_type: TimestampType,
    before_max_ms: i64,
    after_max_ms: i64,
    /// The compression that batches are stored in; `None` keeps the producer's.
    codec: Option<Codec>,
    produce_version: i16,
    now: i64,
}

impl Rules {
    pub(crate) fn of(config: &TopicConfig, produce_version: i16) -> Self {
        Self {
            max_message_bytes: usize::try_from(config.max_message_bytes).unwrap_or(0),
            compacted: config.cleanup_policy.compact,
            timestamp_type: config.timestamp_type,
            before_max_ms: config.timestamp_before_max_ms,
            after_max_ms: config.timestamp_after_max_ms,
            codec: config.compression,
            produce_version,
            now: now_ms(),
        }
    }

    /// Bytes to which a batch may unfold. Above, it can't be looked through in
    /// reasonable time, nor by most consumers.
    fn most_unfolded(&self) -> u64 {
        let largest = self.max_message_bytes as u64;
        match self.codec {
            None => largest
                .saturating_mul(MOST_UNFOLDED)
                .clamp(64 << 20, 1 << 30),
            // All of it is what would be stored.
            Some(Codec::None) => largest,
            // All of it is held in memory, to be compressed anew.
            Some(_) => largest.saturating_mul(16).clamp(16 << 20, 256 << 20),
        }
    }
}

/// Checks what a Produce request has for one partition, and gives it the
/// timestamps it will be stored with. Its base offset is still to be written.
///
/// The order of the checks is Kafka's, as a batch may fail several.
pub(crate) fn validate(records: &Bytes, rules: &Rules) -> Result<ValidBatch, RecordsError> {
    let batch = only_batch(records, rules)?;
    // One that is cut off within its header has no header to judge.
    let header = BatchHeader::read(batch);
    if header.is_some_and(|header| header.base_offset != 0) {
        return Err(invalid("the base offset of a batch to append must be 0"));
    }
    check_size(batch, rules)?;
    let Some(header) = header else {
        return Err(corrupt("a batch shorter than its header"));
    };
    let crc = crc32c::crc32c(&batch[21..]);
    if crc != header.crc {
        return Err(RecordsError::Corrupt(format!(
            "Record is corrupt (stored crc = {}, computed crc = {crc})",
            header.crc
        )));
    }
    check_header(&header)?;
    let max_timestamp = check_records(&header, batch, rules)?;
    let mut valid = match rules.codec {
        Some(codec) if codec as i16 != header.compression() => {
            let stored = recompress(&header, batch, codec)
                .map_err(|error| RecordsError::Undecodable(error.to_string()))?;
            check_size(&stored, rules)?;
            ValidBatch {
                header: BatchHeader::read(&stored).unwrap_or(header),
                bytes: BytesMut::from(stored),
            }
        }
        _ => ValidBatch {
            header,
            bytes: BytesMut::from(batch),
        },
    };
    match rules.timestamp_type {
        TimestampType::LogAppendTime => valid.set_time(true, rules.now),
        TimestampType::CreateTime => valid.set_time(false, max_timestamp),
    }
    Ok(valid)
}

/// Compressed batches of more bytes are looked through where blocking is
/// allowed: they may take a while.
const LARGE: usize = 16 * 1024;

/// As [`validate`], without holding up other tasks.
pub(crate) async fn validate_aside(
    records: Bytes,
    rules: Rules,
) -> Result<ValidBatch, RecordsError> {
    let compression = records.get(22).map_or(0, |attributes| attributes & 0x07);
    if records.len() <= LARGE || (compression == 0 && rules.codec.is_none()) {
        return validate(&records, &rules);
    }
    let validated = tokio::task::spawn_blocking(move || validate(&records, &rules)).await;
    validated.unwrap_or_else(|error| Err(RecordsError::Undecodable(error.to_string())))
}

fn invalid(problem: impl Into<String>) -> RecordsError {
    RecordsError::Invalid(problem.into())
}

fn corrupt(problem: impl Into<String>) -> RecordsError {
    RecordsError::Corrupt(problem.into())
}

/// The one batch there must be. A beginning of another behind it is cut off,
/// as Kafka does.
fn only_batch<'a>(records: &'a [u8], rules: &Rules) -> Result<&'a [u8], RecordsError> {
    let version = rules.produce_version;
    let Some(size) = batch_size(records)? else {
        return Err(invalid(format!(
            "Produce requests with version {version} must have at least one record batch per partition"
        )));
    };
    let (batch, rest) = records.split_at(size);
    if batch[16] != 2 {
        return Err(invalid(format!(
            "Produce requests with version {version} are only allowed to contain record batches with magic version 2"
        )));
    }
    let compression = i16::from(batch[22] & 0x07);
    if Codec::from_number(compression) == Some(Codec::Zstd) && version < 7 {
        return Err(RecordsError::NoZstd(version));
    }
    if batch_size(rest)?.is_some() {
        return Err(invalid(format!(
            "Produce requests with version {version} are only allowed to contain exactly one record batch per partition"
        )));
    }
    Ok(batch)
}

/// The size of the batch that `bytes` begins with; `None` unless all of it is
/// there.
fn batch_size(bytes: &[u8]) -> Result<Option<usize>, RecordsError> {
    /// What the oldest format has after its length.
    const LEAST: i32 = 14;
    let Some(length) = bytes.get(8..12).and_then(|bytes| bytes.try_into().ok()) else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(length);
    if length < LEAST {
        return Err(RecordsError::Corrupt(format!(
            "Record size {length} is less than the minimum record overhead ({LEAST})"
        )));
    }
    let Some(magic) = bytes.get(16) else {
        return Ok(None);
    };
    if *magic > 2 {
        return Err(RecordsError::Corrupt(format!(
            "Invalid magic found in record: {magic}"
        )));
    }
    let size = length as usize + 12;
    Ok((size <= bytes.len()).then_some(size))
}

fn check_size(batch: &[u8], rules: &Rules) -> Result<(), RecordsError> {
    if batch.len() > rules.max_message_bytes {
        return Err(RecordsError::TooLarge {
            size: batch.len() as u64,
            limit: rules.max_message_bytes as u64,
        });
    }
    Ok(())
}

fn check_header(header: &BatchHeader) -> Result<(), RecordsError> {
    if header.last_offset_delta < 0 {
        return Err(invalid("Batch has an invalid offset range"));
    }
    if header.count <= 0 {
        return Err(RecordsError::Invalid(format!(
            "Invalid reported count for record batch: {}",
            header.count
        )));
    }
    if i64::from(header.count) != i64::from(header.last_offset_delta) + 1 {
        return Err(RecordsError::Invalid(format!(
            "Inconsistent batch offset range [0, {}] and count of records {}",
            header.last_offset_delta, header.count
        )));
    }
    if header.is_control() {
        return Err(invalid("Clients are not allowed to write control records"));
    }
    if header.has_producer() && header.base_sequence < 0 {
        return Err(RecordsError::Invalid(format!(
            "Invalid sequence number {} in record batch with producerId {}",
            header.base_sequence, header.producer_id
        )));
    }
    Ok(())
}

/// Returns the greatest timestamp of the records.
fn check_records(header: &BatchHeader, batch: &[u8], rules: &Rules) -> Result<i64, RecordsError> {
    let mut next = 0;
    let mut max_timestamp = NO_TIMESTAMP;
    let mut wrong_timestamp = false;
    let mut problems: Vec<RecordProblem> = Vec::new();
    let mut offsets_in_order = true;
    let compressed = header.compression() != 0;
    let limit = rules.most_unfolded();
    let visited = skim_records(header, batch, limit, |record| {
        max_timestamp = max_timestamp.max(record.timestamp);
        if record.offset != i64::from(next) {
            offsets_in_order = false;
            return ControlFlow::Break(());
        }
        if let Some((is_timestamp, message)) = problem(header, &record, compressed, rules)
            && problems.len() < MOST_PROBLEMS
        {
            wrong_timestamp |= is_timestamp;
            problems.push(RecordProblem {
                index: next,
                message,
            });
        }
        next += 1;
        ControlFlow::Continue(())
    });
    match visited {
        Err(Unreadable::TooMuch { limit }) => {
            return Err(RecordsError::TooLarge {
                size: limit,
                limit: rules.max_message_bytes as u64,
            });
        }
        Err(error @ Unreadable::Codec(_)) => {
            return Err(RecordsError::Undecodable(error.to_string()));
        }
        Err(error @ Unreadable::Structure(_)) => return Err(invalid(error.to_string())),
        Ok(()) => {}
    }
    if !offsets_in_order {
        return Err(invalid("the records are not numbered from 0 on"));
    }
    if problems.is_empty() {
        Ok(max_timestamp)
    } else if wrong_timestamp {
        Err(RecordsError::Timestamps(problems))
    } else {
        Err(RecordsError::Records(problems))
    }
}

/// What is wrong with a record, and whether it is its timestamp.
fn problem(
    header: &BatchHeader,
    record: &RecordInfo,
    compressed: bool,
    rules: &Rules,
) -> Option<(bool, String)> {
    if rules.compacted && !record.has_key {
        let message = "Compacted topic cannot accept message without key";
        return Some((false, message.to_owned()));
    }
    // Left over from a format in which records could contain records.
    if compressed && record.attributes & 0x07 != 0 {
        let message = "Compressed outer record should not have an inner record with a compression attribute set";
        return Some((false, message.to_owned()));
    }
    let by_client = rules.timestamp_type == TimestampType::CreateTime;
    if by_client && record.timestamp != NO_TIMESTAMP {
        let age = rules.now.saturating_sub(record.timestamp);
        if age > rules.before_max_ms || age.saturating_neg() > rules.after_max_ms {
            let message = format!(
                "Timestamp {} of message with offset {} is out of range. The timestamp should be within [{}, {}]",
                record.timestamp,
                record.offset,
                rules.now.saturating_sub(rules.before_max_ms),
                rules.now.saturating_add(rules.after_max_ms),
            );
            return Some((true, message));
        }
    } else if header.is_log_append_time() {
        let message = "Producer should not set timestamp type to LogAppendTime";
        return Some((true, message.to_owned()));
    }
    None
}
