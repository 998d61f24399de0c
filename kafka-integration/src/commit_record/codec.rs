//! Writes and reads a record. The format is described a floor above.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::failures::{self, Failures};
use super::{FailedAttempt, Record};

const PREFIX: &str = "ki1:";
const RUNS: u64 = 1;
const FAILURES: u64 = 2;

/// A text longer than any string of Kafka's protocol is not looked at.
const LONGEST: usize = 1 << 15;

const CHECKSUM: usize = 4;

/// The most a section's kind and length take.
const SECTION_HEAD: usize = 1 + 3;

/// Writes a record from the bottom up, as much as fits.
pub(crate) struct Encoder {
    committed: i64,
    /// What both sections may take, in bytes.
    room: usize,
    /// What of it is kept for the failures.
    kept: usize,
    failures: Failures,
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
    /// For a commit of that offset, in a text of at most `limit` bytes. Half of
    /// it is kept for the failures, as far as they need it.
    pub(crate) fn new(
        committed: i64,
        failures: &BTreeMap<i64, FailedAttempt>,
        limit: usize,
    ) -> Self {
        let bytes = limit.saturating_sub(PREFIX.len()) * 3 / 4;
        let head = length(committed.unsigned_abs()) + CHECKSUM + SECTION_HEAD;
        let room = bytes.saturating_sub(head);
        // Which of them are written is known when the runs are.
        let most = room.saturating_sub(SECTION_HEAD);
        let failures = Failures::encode(committed, failures, most);
        let kept = match failures.within((room / 2).saturating_sub(SECTION_HEAD)) {
            [] => 0,
            lowest => SECTION_HEAD + lowest.len(),
        };
        Self {
            committed,
            room,
            kept,
            failures,
            runs: Vec::new(),
            last: None,
            position: committed,
        }
    }

    /// The next offsets up to `open_until` are open, those up to `done_until`
    /// are done. `false` when that does not fit any more; it is left out then,
    /// and so must be what follows.
    pub(crate) fn push(&mut self, open_until: i64, done_until: i64) -> bool {
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
        if self.runs.len() + before + pair.length() > self.room - self.kept {
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
    pub(crate) fn finish(mut self) -> String {
        self.flush();
        // What the runs did not need is theirs as well.
        let left = self.room - self.runs.len();
        let failures = self.failures.within(left.saturating_sub(SECTION_HEAD));
        if self.runs.is_empty() && failures.is_empty() {
            return String::new();
        }
        let mut bytes = Vec::with_capacity(self.runs.len() + failures.len() + 32);
        write(&mut bytes, self.committed.unsigned_abs());
        for (kind, section) in [(RUNS, self.runs.as_slice()), (FAILURES, failures)] {
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
    let (mut runs, mut failed) = (None, None);
    while !bytes.is_empty() {
        let kind = read(&mut bytes)?.unsigned_abs();
        let length = usize::try_from(read(&mut bytes)?).ok()?;
        let (section, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        let twice = match kind {
            RUNS => runs.replace(section).is_some(),
            FAILURES => failed.replace(section).is_some(),
            _ => false,
        };
        if twice {
            return None;
        }
    }
    decode_runs(runs.unwrap_or_default(), committed, &mut record)?;
    failures::decode(failed.unwrap_or_default(), committed, &mut record)?;
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

fn length(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

pub(super) fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A number below 2⁶³.
pub(super) fn read(bytes: &mut &[u8]) -> Option<i64> {
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
