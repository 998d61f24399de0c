use super::plan::Classes;
use super::{DeadLetter, journal::Action};
use crate::message::Timestamp;

/// What a dead-letter topic holds.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Those that were neither redriven nor discarded.
    pub open: u64,
    /// Of the open ones, when the oldest failed last; for records that don't
    /// say it, when they were written.
    pub oldest: Option<Timestamp>,
    /// Of the open ones, how many of each class of error.
    pub classes: Classes,
    /// How many were redriven, ever.
    pub redriven: u64,
    /// How many were discarded, ever.
    pub discarded: u64,
}

/// What became of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What was done.
    pub action: Action,
    /// When.
    pub at: Timestamp,
    /// By whom: user and host.
    pub by: String,
    /// Where it was produced to, when that was another topic than it came from.
    pub target: Option<String>,
}

/// A dead letter, and what became of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Found {
    /// The record.
    pub letter: DeadLetter,
    /// `None` while it is open.
    pub outcome: Option<Outcome>,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// How many dead letters were redriven or discarded.
    pub letters: u64,
    /// Whether it ended early, because it was stopped.
    pub stopped: bool,
}
