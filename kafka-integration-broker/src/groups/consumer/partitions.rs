use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::consumer_group_heartbeat_request as request;
use kafka_protocol::messages::consumer_group_heartbeat_response as response;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Partitions by the id of their topic. Ids, not names: a topic made anew
/// under an old name is another one. No topic in it is without partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Partitions(BTreeMap<Uuid, BTreeSet<i32>>);

impl Partitions {
    pub(super) fn insert(&mut self, topic: Uuid, partition: i32) -> bool {
        self.0.entry(topic).or_default().insert(partition)
    }

    pub(super) fn remove(&mut self, topic: Uuid, partition: i32) {
        if let Some(of_topic) = self.0.get_mut(&topic) {
            of_topic.remove(&partition);
            if of_topic.is_empty() {
                self.0.remove(&topic);
            }
        }
    }

    pub(super) fn contains(&self, topic: Uuid, partition: i32) -> bool {
        self.0
            .get(&topic)
            .is_some_and(|of_topic| of_topic.contains(&partition))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = (Uuid, &BTreeSet<i32>)> {
        self.0.iter().map(|(topic, of_topic)| (*topic, of_topic))
    }

    /// Every one, in order of topic and index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Uuid, i32)> {
        self.topics()
            .flat_map(|(topic, of_topic)| of_topic.iter().map(move |index| (topic, *index)))
    }

    /// The highest index that is held of `topic`.
    pub(super) fn last_of(&self, topic: Uuid) -> Option<i32> {
        self.0.get(&topic)?.last().copied()
    }

    /// Splits into those that `other` has and those that it has not.
    pub(super) fn split_by(&self, other: &Self) -> (Self, Self) {
        self.iter()
            .partition(|(topic, index)| other.contains(*topic, *index))
    }

    pub(super) fn is_subset_of(&self, other: &Self) -> bool {
        self.iter()
            .all(|(topic, index)| other.contains(topic, index))
    }

    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.iter()
            .any(|(topic, index)| other.contains(topic, index))
    }

    pub(super) fn to_response(&self) -> response::Assignment {
        let topics = self.topics().map(|(topic, of_topic)| {
            response::TopicPartitions::default()
                .with_topic_id(topic)
                .with_partitions(of_topic.iter().copied().collect())
        });
        response::Assignment::default().with_topic_partitions(topics.collect())
    }
}

impl From<&[request::TopicPartitions]> for Partitions {
    fn from(topics: &[request::TopicPartitions]) -> Self {
        let one = |topic: &request::TopicPartitions| {
            let id = topic.topic_id;
            let indexes = topic.partitions.clone();
            indexes.into_iter().map(move |index| (id, index))
        };
        topics.iter().flat_map(one).collect()
    }
}

impl FromIterator<(Uuid, i32)> for Partitions {
    fn from_iter<I: IntoIterator<Item = (Uuid, i32)>>(partitions: I) -> Self {
        let mut all = Self::default();
        all.extend(partitions);
        all
    }
}

impl Extend<(Uuid, i32)> for Partitions {
    fn extend<I: IntoIterator<Item = (Uuid, i32)>>(&mut self, partitions: I) {
        for (topic, index) in partitions {
            self.insert(topic, index);
        }
    }
}
