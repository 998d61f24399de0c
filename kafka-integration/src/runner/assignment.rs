//! The partitions a consumer has now, what of them is committed, and which
//! stand still.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::TopicPartitionList;
use rdkafka::topic_partition_list::Offset;
use rustc_hash::FxHashMap;

use super::partition::Partition;
use super::raw::TopicName;

/// An assigned partition, as the poll thread keeps it.
pub(super) struct Assigned {
    pub(super) partition: Arc<Partition>,
    /// What was last sent in a commit.
    submitted: Option<Commit>,
    /// What the broker last acknowledged.
    committed: Option<Commit>,
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
    /// It holds more than its share while another has nothing.
    Share,
}

impl Assigned {
    pub(super) fn new(partition: Arc<Partition>, predecessor: Option<Arc<Partition>>) -> Self {
        Self {
            partition,
            submitted: None,
            committed: None,
            paused: None,
            idle_looks: 0,
            idle_end: None,
            rewound: None,
            predecessor,
        }
    }

    /// Messages below the watermark that no acknowledged commit covers.
    fn uncommitted(&self) -> u64 {
        let covered = self.committed.map_or(0, |commit| commit.settled);
        self.partition.tracker().settled().saturating_sub(covered)
    }
}

/// An offset, and how many messages of this assignment are below it.
#[derive(Debug, Clone, Copy)]
struct Commit {
    offset: i64,
    settled: u64,
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
            assigned.submitted = assigned.committed;
        }
    }

    /// What is finished and not sent in a commit yet, marked as sent. The one
    /// place where offsets to commit are made: an offset is one past the last
    /// finished message, by the tracker's reckoning.
    pub(super) fn take_commit(&mut self, only: impl Fn(&Partition) -> bool) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for assigned in self.iter_mut() {
            if !only(&assigned.partition) {
                continue;
            }
            let tracker = assigned.partition.tracker();
            let (committable, settled) = (tracker.committable(), tracker.settled());
            drop(tracker);
            let Some(offset) = committable else {
                continue;
            };
            if assigned.submitted.is_some_and(|sent| sent.offset == offset) {
                continue;
            }
            let partition = &assigned.partition;
            match list.add_partition_offset(&partition.topic, partition.id, Offset::Offset(offset))
            {
                Ok(()) => assigned.submitted = Some(Commit { offset, settled }),
                Err(error) => tracing::error!(?partition, offset, %error, "cannot commit"),
            }
        }
        list
    }

    /// Takes note of what became of a commit.
    pub(super) fn committed(&mut self, offsets: &TopicPartitionList, accepted: bool) {
        for element in offsets.elements() {
            let Offset::Offset(offset) = element.offset() else {
                continue;
            };
            let Some(assigned) = self.get_mut(element.topic(), element.partition()) else {
                continue;
            };
            let Some(sent) = assigned.submitted.filter(|sent| sent.offset == offset) else {
                continue;
            };
            if accepted && element.error().is_ok() {
                assigned.committed = Some(sent);
            } else {
                // To be sent again.
                assigned.submitted = assigned.committed;
            }
        }
    }

    /// Messages below the watermarks that no acknowledged commit covers.
    pub(super) fn uncommitted(&self) -> u64 {
        self.iter().map(Assigned::uncommitted).sum()
    }
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
