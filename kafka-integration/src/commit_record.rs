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
//! in order of offset. Four numbers for each:
//!
//! - how far its offset is above the one before (the first: above the committed
//!   offset);
//! - its attempts so far, at least 1;
//! - its first failure, in milliseconds after that of the one before (the first:
//!   since 1970);
//! - when the next attempt is due, in milliseconds after the one before is (the
//!   first: after its own first failure), and not before its first failure.
//!
//! The last two may be negative. They are written as 0, −1, 1, −2, … ↦ 0, 1, 2,
//! 3, … (protobuf's zigzag).
//!
//! A text that is anything else, a damaged one, and one whose offset is not that
//! of the commit it came with are no record: everything counts as open. A change
//! that an older reader must not skip gets another prefix.
//!
//! # What fits
//!
//! Half of the text is kept for failed attempts, as far as there are some; the
//! runs take what they need of the rest, and the failed attempts what that leaves.
//! Either is cut off at the top. A failed attempt takes six or seven bytes where
//! keys fail within seconds of each other and wait for some minutes at most, so
//! 4,096 characters have room for about 230 of them beside as many runs as fit,
//! and for about 470 when there are few runs. With days and millions of offsets
//! between them they take up to 14 bytes, and about 100 have room. A message whose
//! failed attempt is cut off is tried at once after a restart, and its attempts
//! count from 1.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

mod codec;
mod failures;
#[cfg(test)]
mod failures_tests;
#[cfg(test)]
mod tests;

pub(crate) use codec::Encoder;

/// The longest metadata a broker takes unless told otherwise
/// (`offset.metadata.max.bytes`).
pub(crate) const BROKERS_LIMIT: usize = 4_096;

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
