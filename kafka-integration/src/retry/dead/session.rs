//! The work on one dead-letter topic. All of it blocks.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rdkafka::ClientConfig;

use super::journal::{self, Entry, Settled};
use super::plan::Plan;
use super::reader::Reader;
use super::summary::{Found, Outcome, Summary};
use super::target::Targets;
use super::{DeadLetter, DeadLetterError, Filter, Watch};
use crate::native::NativeMessage;
use crate::retry::Trail;

/// The offsets of each partition, from the first to before the end.
pub(super) type Spans = BTreeMap<i32, (i64, i64)>;

/// How many records of a partition are read for the first that is settled and says
/// when it failed.
const LOOKED_AT: usize = 1_000;

/// A dead-letter topic as it is read: up to where it ended when this began.
pub(super) struct Session {
    topic: String,
    journal: String,
    spans: Spans,
    reader: Reader,
    settled: Settled,
    watch: Watch,
}

impl Session {
    /// Opens the topic and reads its journal, if that exists.
    pub(super) fn open(
        config: ClientConfig,
        topic: &str,
        spans: Spans,
        journal_span: Option<(i64, i64)>,
        watch: &Watch,
    ) -> Result<Self, DeadLetterError> {
        let mut session = Self {
            reader: Reader::open(config, topic)?,
            topic: topic.to_owned(),
            journal: journal::topic_of(topic),
            spans,
            settled: Settled::default(),
            watch: watch.clone(),
        };
        if let Some(span) = journal_span {
            let settled = &mut session.settled;
            let (reader, journal) = (&mut session.reader, &session.journal);
            journal::read(reader, journal, span, watch, |entry| settled.add(&entry))?;
        }
        session.check_journal()?;
        session.check_failures()?;
        Ok(session)
    }

    /// Refuses a journal that tells of more than the topic ever had.
    fn check_journal(&self) -> Result<(), DeadLetterError> {
        for (partition, settled) in self.settled.ends() {
            let end = self.spans.get(&partition).map_or(0, |span| span.1);
            if settled > end {
                let contradiction = format!("which ends at {end}");
                return Err(self.foreign_journal(partition, settled - 1, contradiction));
            }
        }
        Ok(())
    }

    /// Refuses a journal that tells of dead letters which failed after all that
    /// it settled: a topic that was made again may have more than the earlier
    /// one. All of it is later than the journal, so that the first settled dead
    /// letter of a partition shows it.
    fn check_failures(&mut self) -> Result<(), DeadLetterError> {
        for (partition, span) in self.spans.clone() {
            let Some(span) = self.settled.within(partition, span) else {
                continue;
            };
            let (settled, mut first, mut seen) = (&self.settled, None, 0);
            let read = |message: &mut NativeMessage| {
                let offset = message.offset();
                seen += 1;
                if settled.contains(partition, offset) {
                    // Records of somebody else don't say it.
                    let trail = Trail::of(&message.copied_headers());
                    first = trail.map(|trail| (offset, trail.last_failure));
                }
                Ok::<_, DeadLetterError>(match first {
                    None if seen < LOOKED_AT => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                })
            };
            self.reader
                .read(&self.topic, partition, span, &self.watch, read)?;
            if let Some((offset, failed)) = first
                && self.settled.is_later(partition, failed)
            {
                let contradiction = "which failed after it was settled".to_owned();
                return Err(self.foreign_journal(partition, offset, contradiction));
            }
        }
        Ok(())
    }

    fn foreign_journal(
        &self,
        partition: i32,
        offset: i64,
        contradiction: String,
    ) -> DeadLetterError {
        DeadLetterError::ForeignJournal {
            journal: self.journal.clone(),
            topic: self.topic.clone(),
            partition,
            offset,
            contradiction,
        }
    }

    /// Gives what is open and meant by the filter to `each`, by partition and
    /// offset.
    pub(super) fn scan(
        &mut self,
        filter: &Filter,
        mut each: impl FnMut(DeadLetter) -> Result<(), DeadLetterError>,
    ) -> Result<(), DeadLetterError> {
        if let Some(partition) = filter.partition.filter(|it| !self.spans.contains_key(it)) {
            let topic = self.topic.clone();
            return Err(DeadLetterError::NoSuchPartition { topic, partition });
        }
        let spans: Vec<_> = self
            .spans
            .iter()
            .filter_map(|(partition, span)| Some((*partition, filter.span(*partition, *span)?)))
            .map(|(partition, (start, end))| {
                let start = self.settled.first_open(partition, start);
                (partition, (start, end.max(start)))
            })
            .collect();
        let offsets: i64 = spans.iter().map(|(_, (start, end))| end - start).sum();
        self.watch
            .begin_reading(u64::try_from(offsets).unwrap_or(0));
        let mut left = filter.limit.unwrap_or(u64::MAX);
        let mut before = 0;
        for (partition, span) in spans {
            let (settled, watch) = (&self.settled, &self.watch);
            let mut flow = ControlFlow::Continue(());
            if left == 0 {
                break;
            }
            self.reader
                .read(&self.topic, partition, span, watch, |message| {
                    let offset = message.offset();
                    let read = before + (offset + 1 - span.0);
                    watch.set_read(u64::try_from(read).unwrap_or(0));
                    if settled.contains(partition, offset) {
                        return Ok(flow);
                    }
                    let letter = DeadLetter::read(message);
                    if filter.matches(&letter) {
                        each(letter)?;
                        left -= 1;
                    }
                    if left == 0 || watch.is_stopped() {
                        flow = ControlFlow::Break(());
                    }
                    Ok::<_, DeadLetterError>(flow)
                })?;
            before += span.1 - span.0;
        }
        Ok(())
    }

    pub(super) fn plan(
        &mut self,
        filter: &Filter,
        mut targets: Option<&mut Targets>,
    ) -> Result<Plan, DeadLetterError> {
        let ends = self.spans.iter();
        let mut plan = Plan {
            ends: ends.map(|(partition, span)| (*partition, span.1)).collect(),
            ..Plan::default()
        };
        self.scan(filter, |letter| {
            match &mut targets {
                None => plan.add(letter, None),
                Some(targets) => {
                    let to = targets.of(&letter)?;
                    plan.add(letter, Some(&to));
                }
            }
            Ok(())
        })?;
        Ok(plan)
    }

    pub(super) fn summary(&mut self) -> Result<Summary, DeadLetterError> {
        let mut summary = Summary {
            redriven: self.settled.redriven,
            discarded: self.settled.discarded,
            ..Summary::default()
        };
        self.scan(&Filter::default(), |letter| {
            summary.open += 1;
            let trail = letter.trail.as_ref();
            summary.classes.add(trail.map(|trail| &*trail.error.class));
            let failed = trail.map(|trail| trail.last_failure).or(letter.timestamp);
            let oldest = summary.oldest.into_iter().chain(failed).min();
            summary.oldest = oldest;
            Ok(())
        })?;
        Ok(summary)
    }

    /// The record at that place, open or not; `None` when none is there.
    pub(super) fn at(
        &mut self,
        partition: i32,
        offset: i64,
    ) -> Result<Option<DeadLetter>, DeadLetterError> {
        let Some(span) = self.spans.get(&partition) else {
            return Err(DeadLetterError::NoSuchPartition {
                topic: self.topic.clone(),
                partition,
            });
        };
        if !(span.0..span.1).contains(&offset) {
            return Ok(None);
        }
        let mut found = None;
        let span = (offset, offset + 1);
        self.reader
            .read(&self.topic, partition, span, &self.watch, |message| {
                found = Some(DeadLetter::read(message));
                Ok::<_, DeadLetterError>(ControlFlow::Break(()))
            })?;
        Ok(found)
    }

    /// A dead letter with what became of it.
    pub(super) fn outcome(
        &mut self,
        letter: DeadLetter,
        journal_span: Option<(i64, i64)>,
    ) -> Result<Found, DeadLetterError> {
        let mut outcome = None;
        let (partition, offset) = (letter.partition, letter.offset);
        if let Some(span) = journal_span.filter(|_| self.settled.contains(partition, offset)) {
            let read = |entry: Entry| {
                if entry.contains(partition, offset) {
                    outcome = Some(Outcome {
                        action: entry.action,
                        at: entry.at(),
                        by: entry.by,
                        target: entry.target,
                    });
                }
            };
            journal::read(&mut self.reader, &self.journal, span, &self.watch, read)?;
        }
        Ok(Found { letter, outcome })
    }
}
