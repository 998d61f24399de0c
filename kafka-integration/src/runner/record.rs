//! What a commit says beside its offset: which messages above it are finished.
//!
//! # The format
//!
//! The metadata of a commit is a text: `ki1:` and then unpadded standard base64
//! (RFC 4648, `A–Z a–z 0–9 + /`) of these bytes:
//!
//! 1. the committed offset, as a number;
//! 2. sections until four bytes before the end. Each is its kind, its length in
//!    bytes (two numbers) and so many bytes. A reader skips kinds it doesn't
//!    know; a kind stands there at most once;
//! 3. the CRC-32C of everything before it, four bytes, the lowest first.
//!
//! A number is written in base 128, the lowest seven bits first, with the
//! highest bit set in all bytes but the last (protobuf's varint), and is below
//! 2⁶³.
//!
//! **Kind 1, runs.** Pairs of numbers until the section ends. They go up from
//! the committed offset: so many offsets are *open*, the next so many are
//! *done*, and so on. Only the first count of open ones may be 0. Offsets beyond
//! the last pair are open. A message at a done offset is finished and is not
//! handled again; offsets that were never delivered (compaction, control records)
//! are counted in whichever run they lie.
//!
//! **Kind 2, failed attempts.** Of open messages that failed, the lowest ones,
//! in order of offset. Four numbers for each: how far its offset is above the
//! one before (the first: above the committed offset), its attempts so far, the
//! time of the first failure in milliseconds since 1970, and how many
//! milliseconds later the next attempt is due.
//!
//! A text that is anything else, a damaged one, and one whose offset is not that
//! of the commit it came with are no record: everything counts as open. A change
//! that an older reader must not skip gets another prefix.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

mod codec;
#[cfg(test)]
mod tests;

pub(super) use codec::Encoder;

/// The longest metadata a broker takes unless told otherwise
/// (`offset.metadata.max.bytes`).
pub(super) const BROKERS_LIMIT: usize = 4_096;

/// A message that failed and is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailedAttempt {
    /// How often it was tried; at least once.
    pub(crate) attempts: u32,
    /// When it failed first, in milliseconds since 1970.
    pub(crate) first_failure_ms: i64,
    /// When it is tried next, in milliseconds since 1970.
    pub(crate) due_ms: i64,
}

impl FailedAttempt {
    /// Failed now, for the first time that is known of; due after `delay`.
    pub(crate) fn now(attempts: u32, delay: Duration) -> Self {
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let now = millis(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        );
        Self {
            attempts,
            first_failure_ms: now,
            due_ms: now.saturating_add(millis(delay)),
        }
    }
}

/// What is finished above a committed offset, and what failed there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Finished offsets, in order, disjoint.
    pub(crate) done: Vec<Range<i64>>,
    /// Failed messages by offset.
    pub(crate) failures: BTreeMap<i64, FailedAttempt>,
}

impl Record {
    /// Reads the metadata of a commit; `None` when it is no record, or not one
    /// of that offset.
    pub(crate) fn decode(metadata: &str, committed: i64) -> Option<Self> {
        codec::decode(metadata, committed)
    }

    /// One past the highest finished offset.
    pub(crate) fn top(&self) -> Option<i64> {
        self.done.last().map(|range| range.end)
    }

    /// How many offsets are finished.
    pub(crate) fn done_offsets(&self) -> u64 {
        let length = |range: &Range<i64>| range.end.abs_diff(range.start);
        self.done.iter().map(length).sum()
    }
}
