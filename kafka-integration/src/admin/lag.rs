use std::collections::HashMap;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde::Serialize;

use super::cluster::blocking;
use super::offsets::{Place, find, known};
use super::{AdminError, Cluster};
use crate::commit_record::Record;
use crate::native;
use crate::settings::ClientKind;

/// How far a group is in one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionLag {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset of the next message the group will take; `None` when it never
    /// committed one here.
    pub committed: Option<i64>,
    /// The offset the next record will get; `None` when the partition has no
    /// leader.
    pub end: Option<i64>,
    /// The messages in between; `None` when either is unknown.
    pub lag: Option<u64>,
    /// How many offsets of those are finished already, as the group's consumers
    /// recorded with their last commit; 0 when they recorded nothing, or are not
    /// this framework's. They are part of `lag`: one message that waits holds the
    /// committed offset back, and nothing else.
    pub done_above: u64,
}

/// What a group committed in a partition.
#[derive(Debug, Clone, Copy)]
struct Committed {
    offset: i64,
    done_above: u64,
}

impl Committed {
    fn new(offset: i64, metadata: Option<&str>) -> Self {
        let record = metadata.and_then(|text| Record::decode(text, offset));
        Self {
            offset,
            done_above: record.map_or(0, |record| record.done_offsets()),
        }
    }
}

impl Cluster {
    /// How far a group is in those topics, in order of topic and partition.
    ///
    /// Nothing joins the group: its members are not disturbed.
    ///
    /// # Errors
    /// When a topic is missing, the group's offsets may not be seen, or no
    /// broker answers.
    pub async fn lag<S: AsRef<str>>(
        &self,
        group_id: &str,
        topics: &[S],
    ) -> Result<Vec<PartitionLag>, AdminError> {
        let mut partitions = Vec::new();
        for name in topics {
            let topic = self.topic(name.as_ref()).await?;
            let name = topic.name;
            partitions.extend(topic.partitions.into_iter().map(|p| (name.clone(), p)));
        }
        partitions.sort();
        partitions.dedup();
        self.lag_of(group_id, partitions).await
    }

    /// How far a group is wherever it ever committed.
    ///
    /// # Errors
    /// When the group's offsets may not be seen, or no broker answers.
    pub async fn lag_everywhere(&self, group_id: &str) -> Result<Vec<PartitionLag>, AdminError> {
        let mut partitions = Vec::new();
        for topic in self.topics().await? {
            let name = topic.name;
            partitions.extend(topic.partitions.into_iter().map(|p| (name.clone(), p)));
        }
        let mut committed = self.committed(group_id, &partitions).await?;
        committed.retain(|(_, committed)| committed.is_some());
        self.with_ends(committed).await
    }

    async fn lag_of(
        &self,
        group_id: &str,
        partitions: Vec<(String, i32)>,
    ) -> Result<Vec<PartitionLag>, AdminError> {
        let committed = self.committed(group_id, &partitions).await?;
        self.with_ends(committed).await
    }

    /// What a group committed, partition by partition.
    async fn committed(
        &self,
        group_id: &str,
        partitions: &[(String, i32)],
    ) -> Result<Vec<((String, i32), Option<Committed>)>, AdminError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut config = self.config(ClientKind::Consumer, &[])?;
        config.set("group.id", group_id);
        let (timeout, partitions) = (self.timeout, partitions.to_vec());
        let answer = blocking(move || {
            let consumer: BaseConsumer = config.create()?;
            let mut list = TopicPartitionList::with_capacity(partitions.len());
            for (topic, partition) in &partitions {
                list.add_partition(topic, *partition);
            }
            let list = consumer.committed_offsets(list, timeout);
            // Closing a member of a group can wait for the coordinator for
            // ever; this one joined nothing, so nobody has to wait for it.
            std::thread::spawn(move || drop(consumer));
            let list = list?;
            let elements = list.elements();
            let found = elements.iter().zip(native::metadata(&list));
            let found: HashMap<_, _> = found
                .filter_map(|(element, metadata)| {
                    let committed = Committed::new(known(element.offset())?, metadata);
                    Some(((element.topic(), element.partition()), committed))
                })
                .collect();
            let committed = partitions
                .into_iter()
                .map(|place| {
                    let committed = found.get(&(place.0.as_str(), place.1)).copied();
                    (place, committed)
                })
                .collect();
            Ok(committed)
        })
        .await?;
        let action = format!("read the committed offsets of group `{group_id}`");
        answer.map_err(|error| self.explain(action, error, None))
    }

    async fn with_ends(
        &self,
        committed: Vec<((String, i32), Option<Committed>)>,
    ) -> Result<Vec<PartitionLag>, AdminError> {
        let timeout = self.timeout;
        self.ask("read the partitions' end offsets", move |client| {
            let partitions: Vec<_> = committed.iter().map(|(place, _)| place.clone()).collect();
            let ends = find(client, &partitions, Place::End, timeout)?;
            let lags = committed
                .into_iter()
                .map(|((topic, partition), committed)| {
                    let end = ends.find_partition(&topic, partition);
                    let end = end.and_then(|end| known(end.offset()));
                    // A commit past the end is what a recreated topic leaves behind.
                    let offset = committed.map(|committed| committed.offset);
                    let lag = offset
                        .zip(end)
                        .map(|(committed, end)| (end - committed).max(0).unsigned_abs());
                    PartitionLag {
                        topic,
                        partition,
                        committed: offset,
                        end,
                        lag,
                        done_above: committed.map_or(0, |committed| committed.done_above),
                    }
                });
            Ok(lags.collect())
        })
        .await
    }
}
