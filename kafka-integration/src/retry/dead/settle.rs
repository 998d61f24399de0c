//! Redriving and discarding, transaction by transaction. All of it blocks.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::journal::{self, Action, Entry, Place};
use super::session::Session;
use super::summary::Done;
use super::target::{Destination, Targets};
use super::writer::{Addressed, Failed, Writer, is_of_records};
use super::{DeadLetter, DeadLetterError, Filter, Watch};
use crate::producer::Outgoing;

/// Most dead letters of a transaction, and about most bytes: what memory is
/// needed for, and what is repeated when a transaction fails.
const LETTERS: usize = 500;
const BYTES: usize = 8 * 1024 * 1024;

/// Discarding sends no records: its transactions are as large as a record of
/// the journal may be.
const DISCARDED: usize = 10_000;

/// How soon a stop is noticed while the rate is kept.
const NAP: Duration = Duration::from_millis(50);

/// What to do with dead letters, and on whose behalf.
pub(super) struct Settling<'a> {
    pub(super) topic: &'a str,
    pub(super) writer: &'a Writer,
    /// `None` discards.
    pub(super) targets: Option<&'a mut Targets>,
    /// The target that was asked for.
    pub(super) to: Option<String>,
    pub(super) by: &'a str,
    pub(super) rate: Option<NonZeroU32>,
    pub(super) watch: &'a Watch,
    /// Less than [`LETTERS`] or [`DISCARDED`] once more were refused together.
    pub(super) most: usize,
}

/// A transaction in the making.
#[derive(Default)]
struct Batch {
    places: Vec<Place>,
    records: Vec<Addressed>,
    bytes: usize,
}

impl Settling<'_> {
    pub(super) fn run(
        mut self,
        session: &mut Session,
        filter: &Filter,
    ) -> Result<Done, DeadLetterError> {
        let begun = Instant::now();
        let mut done = 0;
        let mut batch = Batch::default();
        session.scan(filter, |letter| {
            self.add(&mut batch, letter)?;
            if self.is_full(&batch) {
                let full = std::mem::take(&mut batch);
                done += self.commit(&full.places, &full.records)?;
                self.keep_the_rate(begun, done);
            }
            Ok(())
        })?;
        // A reader that was stopped did not come to the end; what it has read
        // by then is not begun.
        if !self.watch.is_stopped() && !batch.places.is_empty() {
            done += self.commit(&batch.places, &batch.records)?;
        }
        Ok(Done {
            letters: done,
            stopped: self.watch.is_stopped() && done < self.watch.done().1,
        })
    }

    fn add(&mut self, batch: &mut Batch, letter: DeadLetter) -> Result<(), DeadLetterError> {
        batch.places.push(Place {
            partition: letter.partition,
            offset: letter.offset,
            failed: letter.trail.as_ref().map(|trail| trail.last_failure),
        });
        let Some(targets) = &mut self.targets else {
            return Ok(());
        };
        batch.bytes += letter.size();
        match targets.of(&letter)? {
            Destination::Topic(target) => batch.records.push(Addressed {
                target: target.name.clone(),
                record: target.record(letter),
            }),
            // The plan has seen that there is none.
            Destination::Nowhere => {
                return Err(DeadLetterError::NoTarget {
                    topic: self.topic.to_owned(),
                    count: 1,
                    partition: letter.partition,
                    offset: letter.offset,
                });
            }
        }
        Ok(())
    }

    fn is_full(&self, batch: &Batch) -> bool {
        let most = match self.targets {
            Some(_) => LETTERS,
            None => DISCARDED,
        };
        let most = most.min(self.most);
        let rate = self.rate.and_then(|rate| usize::try_from(rate.get()).ok());
        batch.places.len() >= most.min(rate.unwrap_or(most)) || batch.bytes >= BYTES
    }

    /// Commits these, in one transaction if that is taken. A refusal tells of a
    /// batch: then each half goes by itself, until what is refused is a single
    /// one. In a batch of a topic with a low limit, none is.
    fn commit(&mut self, places: &[Place], records: &[Addressed]) -> Result<u64, DeadLetterError> {
        let action = match self.targets {
            Some(_) => Action::Redrive,
            None => Action::Discard,
        };
        let entry = Entry::new(action, places, self.to.clone(), self.by);
        let journal = Addressed {
            target: journal::topic_of(self.topic),
            record: Outgoing {
                payload: Some(entry.to_bytes()),
                partition: Some(journal::PARTITION),
                ..Outgoing::default()
            },
        };
        match self.writer.commit(records, &journal) {
            Ok(()) => {
                let count = places.len() as u64;
                self.watch.add_done(count);
                Ok(count)
            }
            Err(Failed::Transaction(error)) => Err(error),
            Err(Failed::Refused(_, code)) if places.len() > 1 && is_of_records(code) => {
                let half = places.len() / 2;
                self.most = self.most.min(half);
                let (first, second) = places.split_at(half);
                // A discard has no records.
                let (records, others) = records.split_at(half.min(records.len()));
                let mut done = self.commit(first, records)?;
                if !self.watch.is_stopped() {
                    done += self.commit(second, others)?;
                }
                Ok(done)
            }
            Err(Failed::Refused(index, code)) => {
                // The journal's record has no place; it comes after the last.
                let place = places.get(index).or(places.last());
                let (partition, offset) =
                    place.map_or((0, 0), |place| (place.partition, place.offset));
                Err(DeadLetterError::Refused {
                    topic: self.topic.to_owned(),
                    partition,
                    offset,
                    target: records.get(index).unwrap_or(&journal).target.clone(),
                    reason: code.to_string(),
                })
            }
        }
    }

    /// Waits until so many were due, between two transactions: an open one
    /// would hold up everybody who reads the target.
    fn keep_the_rate(&self, begun: Instant, done: u64) {
        let Some(rate) = self.rate else { return };
        let due = Duration::from_secs_f64(done as f64 / f64::from(rate.get()));
        while !self.watch.is_stopped() {
            let left = due.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }
}
