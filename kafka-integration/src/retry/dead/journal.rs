//! What became of dead letters, which Kafka can't delete one by one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use super::reader::Reader;
use super::{DeadLetterError, Watch};
use crate::message::Timestamp;
use crate::retry::names::JOURNAL;

/// The only partition of a journal.
pub(super) const PARTITION: i32 = 0;

/// How entries are written at present.
const VERSION: u32 = 1;

pub(super) fn topic_of(dead_letters: &str) -> String {
    format!("{dead_letters}{JOURNAL}")
}

pub(super) fn is_journal(topic: &str) -> bool {
    topic.ends_with(JOURNAL)
}

/// What was done with a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was produced to a topic.
    Redrive,
    /// It was given up.
    Discard,
}

/// A record of the journal: what one transaction did. It is in force when the
/// transaction was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    version: u32,
    pub(super) action: Action,
    /// By partition, ranges of offsets: the first, and the one after the last.
    partitions: BTreeMap<i32, Vec<(i64, i64)>>,
    /// Where to; `None` is where each came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    at_ms: i64,
    /// When the last of them failed that say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_ms: Option<i64>,
    pub(super) by: String,
}

/// A dead letter that is settled: its place, and when it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// `None` in a record of somebody else.
    pub(super) failed: Option<Timestamp>,
}

impl Entry {
    pub(super) fn new(action: Action, places: &[Place], target: Option<String>, by: &str) -> Self {
        let mut ranges: BTreeMap<i32, Ranges> = BTreeMap::new();
        for place in places {
            let ranges = ranges.entry(place.partition).or_default();
            ranges.insert(place.offset, place.offset + 1);
        }
        let failed = places.iter().filter_map(|place| place.failed).max();
        let partitions = ranges
            .into_iter()
            .map(|(partition, ranges)| (partition, ranges.iter().collect()))
            .collect();
        Self {
            version: VERSION,
            action,
            partitions,
            target,
            at_ms: Timestamp::now().as_millis(),
            failed_ms: failed.map(Timestamp::as_millis),
            by: by.to_owned(),
        }
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at_ms)
    }

    /// What failed later was not there to be settled. The clocks of those who
    /// consume and those who redrive may differ, so it is told which failure was
    /// the last; where that is not told, none was later than the entry.
    fn last_failure(&self) -> Timestamp {
        Timestamp::from_millis(self.failed_ms.unwrap_or(self.at_ms))
    }

    pub(super) fn contains(&self, partition: i32, offset: i64) -> bool {
        let ranges = self.partitions.get(&partition);
        ranges.is_some_and(|ranges| {
            let mut ranges = ranges.iter();
            ranges.any(|(start, end)| (*start..*end).contains(&offset))
        })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Numbers and text only: there is nothing in it that JSON can't have.
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn read(bytes: Option<&[u8]>) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let bytes = bytes.ok_or("it has no value")?;
        let Versioned { version } =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!(
                "it has version {version}, and this program knows {VERSION}"
            ));
        }
        let entry: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut ranges = entry.partitions.values().flatten();
        match ranges.find(|(start, end)| *start < 0 || start >= end) {
            Some((start, end)) => Err(format!("there are no offsets from {start} to {end}")),
            None => Ok(entry),
        }
    }
}

/// The dead letters that are no longer open.
#[derive(Debug, Default)]
pub(super) struct Settled {
    partitions: BTreeMap<i32, OfPartition>,
    pub(super) redriven: u64,
    pub(super) discarded: u64,
}

#[derive(Debug)]
struct OfPartition {
    offsets: Ranges,
    /// None of them failed later.
    last_failure: Timestamp,
}

impl Settled {
    pub(super) fn contains(&self, partition: i32, offset: i64) -> bool {
        let settled = self.partitions.get(&partition);
        settled.is_some_and(|settled| settled.offsets.contains(offset))
    }

    /// Whether a dead letter of that partition failed later than all that are
    /// settled there.
    pub(super) fn is_later(&self, partition: i32, failed: Timestamp) -> bool {
        let settled = self.partitions.get(&partition);
        settled.is_some_and(|settled| failed > settled.last_failure)
    }

    /// From the first to behind the last settled one of a partition, within these
    /// offsets.
    pub(super) fn within(&self, partition: i32, span: (i64, i64)) -> Option<(i64, i64)> {
        let offsets = &self.partitions.get(&partition)?.offsets;
        let (first, _) = offsets.iter().find(|(_, end)| *end > span.0)?;
        let (start, end) = (first.max(span.0), offsets.end()?.min(span.1));
        (start < end).then_some((start, end))
    }

    /// The first offset from there on that may be open.
    pub(super) fn first_open(&self, partition: i32, offset: i64) -> i64 {
        let settled = self.partitions.get(&partition);
        settled.map_or(offset, |settled| settled.offsets.first_outside(offset))
    }

    /// By partition, the offset after the last one that is told of.
    pub(super) fn ends(&self) -> impl Iterator<Item = (i32, i64)> + '_ {
        let ends = self.partitions.iter();
        ends.filter_map(|(partition, settled)| Some((*partition, settled.offsets.end()?)))
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        let count = match entry.action {
            Action::Redrive => &mut self.redriven,
            Action::Discard => &mut self.discarded,
        };
        for (partition, ranges) in &entry.partitions {
            let last_failure = entry.last_failure();
            let settled = self.partitions.entry(*partition).or_insert(OfPartition {
                offsets: Ranges::default(),
                last_failure,
            });
            settled.last_failure = settled.last_failure.max(last_failure);
            for (start, end) in ranges {
                settled.offsets.insert(*start, *end);
                *count += u64::try_from(end - start).unwrap_or(0);
            }
        }
    }
}

/// Gives every committed entry of a journal to `each`.
///
/// # Errors
/// When it can't be read, or says something that this program doesn't know.
pub(super) fn read(
    reader: &mut Reader,
    journal: &str,
    span: (i64, i64),
    watch: &Watch,
    mut each: impl FnMut(Entry),
) -> Result<(), DeadLetterError> {
    reader.read(journal, PARTITION, span, watch, |message| {
        let entry = Entry::read(message.payload()).map_err(|reason| DeadLetterError::Journal {
            journal: journal.to_owned(),
            offset: message.offset(),
            reason,
        })?;
        each(entry);
        Ok(ControlFlow::Continue(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written_with_its_ranges_merged() {
        let places = [(0, 4), (0, 5), (2, 9), (0, 7)].map(|(partition, offset)| Place {
            partition,
            offset,
            failed: (partition == 0).then(|| Timestamp::from_millis(100 + offset)),
        });
        let entry = Entry::new(Action::Redrive, &places, Some("orders".into()), "ann");
        let json = serde_json::to_vec(&entry).expect("JSON");
        assert_eq!(Entry::read(Some(&json)), Ok(entry.clone()));
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let partitions = serde_json::json!({"0": [[4, 6], [7, 8]], "2": [[9, 10]]});
        assert_eq!(json["partitions"], partitions);
        assert_eq!(
            (&json["action"], &json["version"]),
            (&"redrive".into(), &1.into())
        );

        let mut settled = Settled::default();
        settled.add(&entry);
        let inside: Vec<_> = (0..10)
            .filter(|offset| settled.contains(0, *offset))
            .collect();
        assert_eq!(inside, [4, 5, 7]);
        assert_eq!((settled.redriven, settled.discarded), (4, 0));
        assert!(entry.contains(2, 9) && !entry.contains(2, 10) && !entry.contains(1, 4));

        let is_later = |partition, millis| {
            let failed = Timestamp::from_millis(millis);
            settled.is_later(partition, failed)
        };
        assert!(!is_later(0, 107) && is_later(0, 108) && !is_later(1, 108));
        assert_eq!(settled.within(0, (0, 100)), Some((4, 8)));
        assert_eq!(settled.within(0, (5, 7)), Some((5, 7)));
        assert_eq!(settled.within(0, (6, 100)), Some((7, 8)));
        assert_eq!(settled.within(0, (8, 100)), None);
    }

    #[test]
    fn what_is_no_entry_or_a_later_one_is_refused() {
        let refused = |text: &str| Entry::read(Some(text.as_bytes())).expect_err("refused");
        assert!(refused(r#"{"version":2,"else":1}"#).contains("version 2"));
        assert!(!refused("hello").is_empty());
        assert!(Entry::read(None).is_err());
        let range = |range: &str| {
            let partitions = format!(r#"{{"0":[{range}]}}"#);
            refused(&format!(
                r#"{{"version":1,"action":"redrive","partitions":{partitions},"at_ms":1,"by":""}}"#
            ))
        };
        for none in [
            "[9,3]",
            "[-1,3]",
            "[-9223372036854775808,9223372036854775807]",
        ] {
            assert!(range(none).contains("no offsets from"), "{none}");
        }
    }
}
