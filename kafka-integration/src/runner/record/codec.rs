//! Writes and reads a record. The format is described a floor above.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{FailedAttempt, Record};

const PREFIX: &str = "ki1:";
const RUNS: u64 = 1;
const FAILURES: u64 = 2;

/// A text longer than any string of Kafka's protocol is not looked at.
const LONGEST: usize = 1 << 15;

/// The most failed messages a record names.
const MOST_FAILURES: usize = 32;

const CHECKSUM: usize = 4;

/// The most a section's kind and length take.
const SECTION_HEAD: usize = 1 + 3;

/// Writes a record from the bottom up, as much as fits.
pub(in crate::runner) struct Encoder {
    committed: i64,
    /// What the runs may take, in bytes.
    room: usize,
    failures: Vec<u8>,
    runs: Vec<u8>,
    /// The last pair, which may still grow.
    last: Option<Pair>,
    /// Where the last pair ends.
    position: i64,
}

#[derive(Clone, Copy)]
struct Pair {
    open: u64,
    done: u64,
}

impl Pair {
    fn length(self) -> usize {
        length(self.open) + length(self.done)
    }
}

impl Encoder {
    /// For a commit of that offset, in a text of at most `limit` bytes.
    pub(in crate::runner) fn new(
        committed: i64,
        failures: &BTreeMap<i64, FailedAttempt>,
        limit: usize,
    ) -> Self {
        let bytes = limit.saturating_sub(PREFIX.len()) * 3 / 4;
        let head = length(committed.unsigned_abs()) + CHECKSUM + SECTION_HEAD;
        let room = bytes.saturating_sub(head);
        let failures = encode_failures(committed, failures, room / 4);
        let taken = match failures.len() {
            0 => 0,
            length => SECTION_HEAD + length,
        };
        Self {
            committed,
            room: room.saturating_sub(taken),
            failures,
            runs: Vec::new(),
            last: None,
            position: committed,
        }
    }

    /// The next offsets up to `open_until` are open, those up to `done_until`
    /// are done. `false` when that does not fit any more; it is left out then,
    /// and so must be what follows.
    pub(in crate::runner) fn push(&mut self, open_until: i64, done_until: i64) -> bool {
        let open_until = open_until.max(self.position);
        if done_until <= open_until {
            return true;
        }
        let open = open_until.abs_diff(self.position);
        let done = done_until.abs_diff(open_until);
        let (before, pair) = match self.last {
            Some(last) if open == 0 => (
                0,
                Pair {
                    done: last.done + done,
                    ..last
                },
            ),
            last => (last.map_or(0, Pair::length), Pair { open, done }),
        };
        if self.runs.len() + before + pair.length() > self.room {
            return false;
        }
        if before > 0 {
            self.flush();
        }
        self.last = Some(pair);
        self.position = done_until;
        true
    }

    fn flush(&mut self) {
        if let Some(pair) = self.last.take() {
            write(&mut self.runs, pair.open);
            write(&mut self.runs, pair.done);
        }
    }

    /// The text; empty when there is nothing to say.
    pub(in crate::runner) fn finish(mut self) -> String {
        self.flush();
        if self.runs.is_empty() && self.failures.is_empty() {
            return String::new();
        }
        let mut bytes = Vec::with_capacity(self.runs.len() + self.failures.len() + 32);
        write(&mut bytes, self.committed.unsigned_abs());
        for (kind, section) in [(RUNS, &self.runs), (FAILURES, &self.failures)] {
            if !section.is_empty() {
                write(&mut bytes, kind);
                write(&mut bytes, section.len() as u64);
                bytes.extend_from_slice(section);
            }
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        let mut text = String::with_capacity(PREFIX.len() + bytes.len() * 4 / 3 + 2);
        text.push_str(PREFIX);
        STANDARD_NO_PAD.encode_string(bytes, &mut text);
        text
    }
}

/// The lowest ones, in so many bytes.
fn encode_failures(
    committed: i64,
    failures: &BTreeMap<i64, FailedAttempt>,
    room: usize,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut before = committed;
    for (offset, failed) in failures.range(committed..).take(MOST_FAILURES) {
        let first = failed.first_failure_ms.max(0);
        let start = bytes.len();
        write(&mut bytes, offset.abs_diff(before));
        write(&mut bytes, failed.attempts.into());
        write(&mut bytes, first.unsigned_abs());
        write(&mut bytes, failed.due_ms.max(first).abs_diff(first));
        if bytes.len() > room {
            bytes.truncate(start);
            break;
        }
        before = *offset;
    }
    bytes
}

pub(super) fn decode(metadata: &str, committed: i64) -> Option<Record> {
    if metadata.len() > LONGEST {
        return None;
    }
    let text = metadata.strip_prefix(PREFIX)?;
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let (bytes, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
    if crc32c::crc32c(bytes) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let mut bytes = bytes;
    if read(&mut bytes)? != committed {
        return None;
    }
    let mut record = Record::default();
    let (mut runs, mut failures) = (None, None);
    while !bytes.is_empty() {
        let kind = read(&mut bytes)?.unsigned_abs();
        let length = usize::try_from(read(&mut bytes)?).ok()?;
        let (section, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        let twice = match kind {
            RUNS => runs.replace(section).is_some(),
            FAILURES => failures.replace(section).is_some(),
            _ => false,
        };
        if twice {
            return None;
        }
    }
    decode_runs(runs.unwrap_or_default(), committed, &mut record)?;
    decode_failures(failures.unwrap_or_default(), committed, &mut record)?;
    Some(record)
}

fn decode_runs(mut bytes: &[u8], committed: i64, record: &mut Record) -> Option<()> {
    let mut position = committed;
    while !bytes.is_empty() {
        let (open, done) = (read(&mut bytes)?, read(&mut bytes)?);
        if done == 0 || (open == 0 && position != committed) {
            return None;
        }
        let start = position.checked_add(open)?;
        position = start.checked_add(done)?;
        record.done.push(start..position);
    }
    Some(())
}

fn decode_failures(mut bytes: &[u8], committed: i64, record: &mut Record) -> Option<()> {
    let mut offset = committed;
    while !bytes.is_empty() {
        let above = read(&mut bytes)?;
        if above == 0 && !record.failures.is_empty() {
            return None;
        }
        offset = offset.checked_add(above)?;
        let attempts = u32::try_from(read(&mut bytes)?).ok()?;
        let first_failure_ms = read(&mut bytes)?;
        let failed = FailedAttempt {
            attempts,
            first_failure_ms,
            due_ms: first_failure_ms.checked_add(read(&mut bytes)?)?,
        };
        if attempts == 0 {
            return None;
        }
        record.failures.insert(offset, failed);
    }
    Some(())
}

fn length(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A number below 2⁶³.
fn read(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_i64;
    for place in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= i64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
pub(super) fn seal(bytes: &[u8]) -> String {
    let mut sealed = bytes.to_vec();
    sealed.extend_from_slice(&crc32c::crc32c(bytes).to_le_bytes());
    format!("{PREFIX}{}", STANDARD_NO_PAD.encode(sealed))
}
