use std::collections::BTreeMap;

use super::target::Destination;
use super::{DeadLetter, DeadLetterError};

/// How many dead letters a plan shows.
const SHOWN: usize = 5;

/// How many classes of errors are told apart. What comes after is counted
/// together, so that nobody's headers decide how much memory this takes.
const CLASSES: usize = 1_000;

/// The class that counts what is not told apart.
const OTHERS: &str = "(others)";

/// The class of records that don't say theirs.
const UNKNOWN: &str = "(unknown)";

/// Counts by class of error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes(BTreeMap<String, u64>);

impl Classes {
    pub(super) fn add(&mut self, class: Option<&str>) {
        let class = class.unwrap_or(UNKNOWN);
        let known = self.0.contains_key(class) || self.0.len() < CLASSES;
        let class = if known { class } else { OTHERS };
        match self.0.get_mut(class) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(class.to_owned(), 1);
            }
        }
    }

    /// Class and count, the most frequent first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(class, count)| (&**class, *count))
            .collect();
        all.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
        all.into_iter()
    }
}

/// What a redrive or a discard would do.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Plan {
    /// How many dead letters it means.
    pub letters: u64,
    /// By topic, what goes there. Empty for a discard.
    pub targets: BTreeMap<String, Planned>,
    /// By class of error.
    pub classes: Classes,
    /// Records that don't say where they came from, while no target was given.
    pub homeless: u64,
    /// The first of those: partition and offset.
    pub first_homeless: Option<(i32, i64)>,
    /// By partition, where the dead letters ended: with it as
    /// [`Filter::ends`](super::Filter::ends), nothing is meant that this plan
    /// has not seen.
    pub ends: BTreeMap<i32, i64>,
    /// The first few.
    pub first: Vec<DeadLetter>,
}

/// What goes to one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planned {
    /// How many dead letters.
    pub letters: u64,
    /// How many of them are older than that topic keeps messages: they get the
    /// present time, because they would be deleted at once.
    pub retimed: u64,
    /// Why that topic can't be used.
    pub problem: Option<String>,
}

impl Plan {
    /// Counts one that goes there; `None` is a discard.
    pub(super) fn add(&mut self, letter: DeadLetter, to: Option<&Destination<'_>>) {
        self.letters += 1;
        let class = letter.trail.as_ref().map(|trail| &*trail.error.class);
        self.classes.add(class);
        match to {
            None => {}
            Some(Destination::Nowhere) => {
                self.homeless += 1;
                let place = (letter.partition, letter.offset);
                self.first_homeless.get_or_insert(place);
            }
            Some(Destination::Topic(target)) => {
                if !self.targets.contains_key(&target.name) {
                    let planned = Planned {
                        problem: target.problem.clone(),
                        ..Planned::default()
                    };
                    self.targets.insert(target.name.clone(), planned);
                }
                if let Some(planned) = self.targets.get_mut(&target.name) {
                    planned.letters += 1;
                    planned.retimed += u64::from(target.is_too_old(&letter));
                }
            }
        }
        if self.first.len() < SHOWN {
            self.first.push(letter);
        }
    }

    /// Why it can't be carried out.
    ///
    /// # Errors
    /// When a target can't be used, or records don't have one.
    pub fn check(&self, topic: &str) -> Result<(), DeadLetterError> {
        for (target, planned) in &self.targets {
            if let Some(problem) = &planned.problem {
                return Err(DeadLetterError::Target {
                    topic: topic.to_owned(),
                    target: target.clone(),
                    reason: problem.clone(),
                });
            }
        }
        match self.first_homeless {
            None => Ok(()),
            Some((partition, offset)) => Err(DeadLetterError::NoTarget {
                topic: topic.to_owned(),
                count: self.homeless,
                partition,
                offset,
            }),
        }
    }
}
