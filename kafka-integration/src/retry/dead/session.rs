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

/// The offsets of each partition, from the first to before the end.
pub(super) type Spans = BTreeMap<i32, (i64, i64)>;

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
        Ok(session)
    }

    /// Refuses a journal that tells of more than the topic ever had.
    fn check_journal(&self) -> Result<(), DeadLetterError> {
        for (partition, settled) in self.settled.ends() {
            let end = self.spans.get(&partition).map_or(0, |span| span.1);
            if settled > end {
                return Err(DeadLetterError::ForeignJournal {
                    journal: self.journal.clone(),
                    topic: self.topic.clone(),
                    partition,
                    offset: settled - 1,
                    end,
                });
            }
        }
        Ok(())
    }

    /// Gives what is open and meant by the filter to `each`, by partition and
    /// offset.
    pub(super) fn scan(
        &mut self,
        filter: &Filter,
        mut each: impl FnMut(DeadLetter) -> Result<(), DeadLetterError>,
    ) -> Result<(), DeadLetterError> {
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
