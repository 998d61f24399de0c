//! The section of failed attempts. Its format is described a floor above.

use std::collections::BTreeMap;

use super::codec::{read, write};
use super::{FailedAttempt, Record};

/// Later times are written as this one, so that a difference of two, with its
/// sign, is below 2⁶³. It is far beyond any calendar.
const LATEST: i64 = 1 << 61;

/// Failed attempts, written, from the lowest offset up.
pub(super) struct Failures {
    bytes: Vec<u8>,
    /// Where in the bytes each of them ends: the section may end there too.
    ends: Vec<usize>,
}

impl Failures {
    /// The lowest ones from the committed offset up, in at most `room` bytes.
    pub(super) fn encode(
        committed: i64,
        failures: &BTreeMap<i64, FailedAttempt>,
        room: usize,
    ) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        let mut below = None;
        for (offset, failed) in failures.range(committed..) {
            let first = failed.first_failure_ms.clamp(0, LATEST);
            let due = failed.due_ms.clamp(first, LATEST);
            let (offset_below, first_below, due_below) = below.unwrap_or((committed, 0, first));
            let start = bytes.len();
            write(&mut bytes, offset.abs_diff(offset_below));
            write(&mut bytes, failed.attempts.into());
            write(&mut bytes, folded(first - first_below));
            write(&mut bytes, folded(due - due_below));
            if bytes.len() > room {
                bytes.truncate(start);
                break;
            }
            ends.push(bytes.len());
            below = Some((*offset, first, due));
        }
        Self { bytes, ends }
    }

    /// As many of them, the lowest ones, as fit into so many bytes.
    pub(super) fn within(&self, room: usize) -> &[u8] {
        let fit = self.ends.partition_point(|end| *end <= room);
        let end = self.ends[..fit].last().copied().unwrap_or_default();
        &self.bytes[..end]
    }
}

pub(super) fn decode(mut bytes: &[u8], committed: i64, record: &mut Record) -> Option<()> {
    let mut below: Option<(i64, i64, i64)> = None;
    while !bytes.is_empty() {
        let above = read(&mut bytes)?;
        let attempts = u32::try_from(read(&mut bytes)?).ok()?;
        if attempts == 0 || (above == 0 && below.is_some()) {
            return None;
        }
        let offset = below.map_or(committed, |(offset, ..)| offset);
        let offset = offset.checked_add(above)?;
        let first = below.map_or(0, |(_, first, _)| first);
        let first = first.checked_add(unfolded(read(&mut bytes)?))?;
        let due = below.map_or(first, |(.., due)| due);
        let due = due.checked_add(unfolded(read(&mut bytes)?))?;
        if first < 0 || due < first {
            return None;
        }
        let failed = FailedAttempt {
            attempts,
            first_failure_ms: first,
            due_ms: due,
        };
        record.failures.insert(offset, failed);
        below = Some((offset, first, due));
    }
    Some(())
}

/// 0, −1, 1, −2, … as 0, 1, 2, 3, …: near is short, before and after.
fn folded(difference: i64) -> u64 {
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

/// The difference that was folded to that, which is not negative.
fn unfolded(number: i64) -> i64 {
    (number >> 1) ^ -(number & 1)
}
