//! The partitions a consumer has now, what of them is committed, and which
//! stand still.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::TopicPartitionList;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;
use rdkafka::types::RDKafkaErrorCode;
use rustc_hash::FxHashMap;

use super::partition::Partition;
use super::raw::TopicName;
use super::tracker::Mark;
use crate::commit_record::BROKERS_LIMIT;

/// An assigned partition, as the poll thread keeps it.
pub(super) struct Assigned {
    pub(super) partition: Arc<Partition>,
    /// What is to be committed, as last looked at.
    latest: Option<(Mark, Commit)>,
    /// What was last sent in a commit.
    submitted: Option<Commit>,
    /// What the broker last acknowledged, or had when the partition was assigned.
    committed: Option<Commit>,
    /// How many finished messages the record in `latest` does not cover.
    pub(super) left_out: u64,
    /// The longest metadata its commits may have, in bytes.
    metadata_limit: usize,
    /// Why its fetching is paused in the client, when it is.
    pub(super) paused: Option<Pause>,
    /// How many looks in a row found nothing delivered yet, though everything
    /// fetched had been taken.
    pub(super) idle_looks: u32,
    /// The end of the partition when it had nothing for this member.
    pub(super) idle_end: Option<i64>,
    /// When the client was last sent back.
    pub(super) rewound: Option<Instant>,
    /// An earlier assignment of the same partition whose handlers still run.
    pub(super) predecessor: Option<Arc<Partition>>,
}

/// Why a partition is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Handlers of an earlier assignment still run.
    Predecessor,
    /// Too much of it is above what is committed.
    Window,
    /// More is finished than the commit's record covers.
    Record,
    /// It holds more than its share while another has nothing.
    Share,
    /// Of a retry topic: enough of it waits for its time.
    Waiting,
    /// The broker refuses a message that has no lane to stop.
    Refused,
}

impl Assigned {
    pub(super) fn new(partition: Arc<Partition>, predecessor: Option<Arc<Partition>>) -> Self {
        Self {
            partition,
            latest: None,
            submitted: None,
            committed: None,
            left_out: 0,
            metadata_limit: BROKERS_LIMIT,
            paused: None,
            idle_looks: 0,
            idle_end: None,
            rewound: None,
            predecessor,
        }
    }

    /// What the broker has: it need not be committed once more.
    pub(super) fn resumed(mut self, offset: i64, record: String) -> Self {
        let commit = Commit {
            offset,
            record,
            finished: 0,
        };
        self.submitted = Some(commit.clone());
        self.committed = Some(commit);
        self
    }

    /// Messages that were finished since the last acknowledged commit.
    fn uncommitted(&self) -> u64 {
        let covered = self.committed.as_ref().map_or(0, |commit| commit.finished);
        self.partition.tracker().finished().saturating_sub(covered)
    }

    /// What is to be committed, when it is not what was sent.
    fn next_commit(&mut self) -> Option<&Commit> {
        let tracker = self.partition.tracker();
        let offset = tracker.committable()?;
        let mark = tracker.mark();
        if self.latest.as_ref().is_none_or(|(of, _)| *of != mark) {
            let written = tracker.write_record(self.metadata_limit);
            self.left_out = written.left_out;
            let commit = Commit {
                offset,
                record: written.text,
                finished: tracker.finished(),
            };
            self.latest = Some((mark, commit));
        }
        drop(tracker);
        let (_, latest) = self.latest.as_ref()?;
        // Nothing new to say, though more may be finished: what a record does not
        // cover is delivered again, and holds up its own partition only.
        for said in [&mut self.submitted, &mut self.committed] {
            if let Some(said) = said.as_mut().filter(|said| said.says_as(latest)) {
                said.finished = latest.finished;
            }
        }
        let sent = self.submitted.as_ref();
        (!sent.is_some_and(|sent| sent.says_as(latest))).then_some(latest)
    }

    /// The broker does not take so long a record.
    fn shorten_record(&mut self) {
        let tried = self.submitted.as_ref().map_or(0, |sent| sent.record.len());
        let limit = self.metadata_limit.min(tried) / 2;
        self.metadata_limit = if limit < SHORTEST_RECORD { 0 } else { limit };
        self.latest = None;
    }
}

/// Shorter ones are not tried.
const SHORTEST_RECORD: usize = 32;

/// What a commit says.
#[derive(Debug, Clone)]
struct Commit {
    offset: i64,
    /// Its metadata.
    record: String,
    /// How many messages of this assignment were finished when it was made.
    finished: u64,
}

impl Commit {
    fn says_as(&self, other: &Self) -> bool {
        self.says(other.offset, &other.record)
    }

    fn says(&self, offset: i64, record: &str) -> bool {
        self.offset == offset && self.record == record
    }
}

/// By topic, then by partition: a message is looked up without making a key.
#[derive(Default)]
pub(super) struct Assignment {
    topics: FxHashMap<TopicName, FxHashMap<i32, Assigned>>,
    /// Ended assignments whose handlers still run.
    lingering: Vec<Arc<Partition>>,
}

impl Assignment {
    pub(super) fn get_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Assigned> {
        self.topics.get_mut(topic)?.get_mut(&partition)
    }

    pub(super) fn insert(&mut self, assigned: Assigned) {
        let partition = &assigned.partition;
        self.topics
            .entry(partition.topic.clone())
            .or_default()
            .insert(partition.id, assigned);
    }

    pub(super) fn remove(&mut self, topic: &str, partition: i32) -> Option<Assigned> {
        let partitions = self.topics.get_mut(topic)?;
        let removed = partitions.remove(&partition);
        if partitions.is_empty() {
            self.topics.remove(topic);
        }
        removed
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Assigned> {
        self.topics.values().flat_map(FxHashMap::values)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Assigned> {
        self.topics.values_mut().flat_map(FxHashMap::values_mut)
    }

    pub(super) fn len(&self) -> usize {
        self.topics.values().map(FxHashMap::len).sum()
    }

    pub(super) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.iter().map(|a| Arc::clone(&a.partition)).collect()
    }

    /// Remembers an ended assignment while its handlers run.
    pub(super) fn linger(&mut self, partition: Arc<Partition>) {
        self.lingering.retain(|p| p.outstanding() > 0);
        if partition.outstanding() > 0 {
            self.lingering.push(partition);
        }
    }

    /// An ended assignment of that partition whose handlers still run.
    pub(super) fn lingering(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.lingering
            .iter()
            .rev()
            .find(|p| *p.topic == *topic && p.id == partition && p.outstanding() > 0)
            .cloned()
    }

    /// Counts commits that were sent and not answered as not sent.
    pub(super) fn resend(&mut self, only: impl Fn(&Partition) -> bool) {
        for assigned in self.iter_mut().filter(|a| only(&a.partition)) {
            assigned.submitted = assigned.committed.clone();
        }
    }

    /// What is finished and not sent in a commit yet, marked as sent. The one
    /// place where offsets to commit are made: everything below is finished, by
    /// the tracker's reckoning. What is finished above, and what failed, is said
    /// in the metadata.
    pub(super) fn take_commit(&mut self, only: impl Fn(&Partition) -> bool) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for assigned in self.iter_mut() {
            if !only(&assigned.partition) {
                continue;
            }
            let Some(commit) = assigned.next_commit().cloned() else {
                continue;
            };
            let Commit { offset, .. } = commit;
            let partition = &assigned.partition;
            let mut element = list.add_partition(&partition.topic, partition.id);
            if let Err(error) = element.set_offset(Offset::Offset(offset)) {
                tracing::error!(?partition, offset, %error, "cannot commit");
                continue;
            }
            if !commit.record.is_empty() {
                element.set_metadata(&commit.record);
            }
            assigned.submitted = Some(commit);
        }
        list
    }

    /// Takes note of what became of a commit. `true` when a record was too long
    /// for the broker: the offset is to be sent at once, with a shorter one.
    pub(super) fn committed(&mut self, offsets: &TopicPartitionList, accepted: bool) -> bool {
        let mut too_long = false;
        for element in offsets.elements() {
            let Offset::Offset(offset) = element.offset() else {
                continue;
            };
            let Some(assigned) = self.get_mut(element.topic(), element.partition()) else {
                continue;
            };
            let record = element.metadata();
            let sent = assigned.submitted.as_ref();
            let Some(sent) = sent.filter(|sent| sent.says(offset, record)) else {
                continue;
            };
            if accepted && element.error().is_ok() {
                assigned.committed = Some(sent.clone());
                continue;
            }
            if is_too_long(&element.error()) && !sent.record.is_empty() {
                too_long = true;
                tracing::warn!(
                    partition = ?assigned.partition,
                    bytes = sent.record.len(),
                    "the broker takes only shorter metadata with a commit \
                     (offset.metadata.max.bytes); less is recorded there"
                );
                assigned.shorten_record();
            }
            // To be sent again.
            assigned.submitted = assigned.committed.clone();
        }
        too_long
    }

    /// Finished messages that neither the commits nor their records cover.
    pub(super) fn left_out(&self) -> u64 {
        self.iter().map(|assigned| assigned.left_out).sum()
    }

    /// Whether a partition goes on though its record leaves out more than `most`
    /// finished messages.
    pub(super) fn outgrows_record(&self, most: usize) -> bool {
        let goes_on = |assigned: &&Assigned| assigned.paused.is_none();
        self.iter()
            .filter(goes_on)
            .any(|assigned| assigned.left_out > most as u64)
    }

    /// Messages that were finished since the last acknowledged commits.
    pub(super) fn uncommitted(&self) -> u64 {
        self.iter().map(Assigned::uncommitted).sum()
    }
}

fn is_too_long(result: &KafkaResult<()>) -> bool {
    let code = |error: &rdkafka::error::KafkaError| error.rdkafka_error_code();
    result.as_ref().err().and_then(code) == Some(RDKafkaErrorCode::OffsetMetadataTooLarge)
}

/// The partitions as the list that pause and resume take.
pub(super) fn list_of<'a>(
    partitions: impl IntoIterator<Item = &'a Partition>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, partition.id);
    }
    list
}
