use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, GroupId, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::groups::Client;
use crate::groups::consumer::{ConsumerGroup, Refused, Timing, TopicsView, validate};

/// Partitions as tests write them: the topic's name and the index.
pub(super) type Owned = BTreeSet<(String, i32)>;

/// Topics without a log.
#[derive(Debug, Default, Clone)]
pub(super) struct Topics {
    version: u64,
    topics: BTreeMap<Arc<str>, (Uuid, i32)>,
    /// All that ever were, by what tests call them.
    labels: BTreeMap<String, Uuid>,
}

impl Topics {
    /// The second topic of a name is called `name'` by tests, and so on.
    pub(super) fn create(&mut self, name: &str, partitions: i32) {
        self.version += 1;
        let id = Uuid::from_u64_pair(7, self.version);
        self.topics.insert(Arc::from(name), (id, partitions));
        let mut label = name.to_owned();
        while self.labels.contains_key(&label) {
            label.push('\'');
        }
        self.labels.insert(label, id);
    }

    pub(super) fn grow(&mut self, name: &str, partitions: i32) {
        self.version += 1;
        if let Some((_, of_topic)) = self.topics.get_mut(name) {
            *of_topic = partitions;
        }
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.version += 1;
        self.topics.remove(name);
    }

    fn label(&self, id: Uuid) -> &str {
        let mut labels = self.labels.iter();
        let found = labels.find(|(_, labelled)| **labelled == id);
        found.map_or("unknown", |(label, _)| label)
    }

    /// What tests call the partitions of the topic that is there now.
    pub(super) fn all_of(&self, name: &str) -> Owned {
        let found = self.topics.get(name);
        found.map_or_else(Owned::new, |(id, size)| owned(self.label(*id), 0..*size))
    }
}

impl TopicsView for Topics {
    fn version(&self) -> u64 {
        self.version
    }

    fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
        self.topics.get(name).copied()
    }

    fn name(&self, id: Uuid) -> Option<Arc<str>> {
        let mut topics = self.topics.iter();
        let found = topics.find(|(_, topic)| topic.0 == id);
        found.map(|(name, _)| Arc::clone(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.topics.keys().cloned().collect()
    }
}

/// A group, its topics and the time.
pub(super) struct Fixture {
    pub(super) group: ConsumerGroup,
    pub(super) topics: Topics,
    pub(super) now: Instant,
}

/// What a member was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) epoch: i32,
    pub(super) assignment: Option<Owned>,
}

pub(super) fn owned(topic: &str, indexes: impl IntoIterator<Item = i32>) -> Owned {
    let indexes = indexes.into_iter();
    indexes.map(|index| (topic.to_owned(), index)).collect()
}

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn client() -> Client {
    Client {
        id: text("tests"),
        host: "/127.0.0.1".to_owned(),
        version: 1,
    }
}

/// A heartbeat with nothing new in it.
pub(super) fn beat(id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_member_id(text(id))
        .with_member_epoch(epoch)
        .with_topic_partitions(None)
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(None)
}

/// A member's first heartbeat.
pub(super) fn join(id: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    full(id, 0, topics)
        .with_rebalance_timeout_ms(10_000)
        .with_topic_partitions(Some(Vec::new()))
}

pub(super) fn join_matching(id: &str, regex: &str) -> ConsumerGroupHeartbeatRequest {
    join(id, &[])
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(Some(text(regex)))
}

fn full(id: &str, epoch: i32, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    let names = topics.iter().map(|name| TopicName(text(name))).collect();
    beat(id, epoch)
        .with_rebalance_timeout_ms(10_000)
        .with_subscribed_topic_names(Some(names))
}

impl Fixture {
    pub(super) fn new(topics: &[(&str, i32)]) -> Self {
        let mut fixture = Self {
            group: ConsumerGroup::new(Arc::from("group"), Timing::default()),
            topics: Topics::default(),
            now: Instant::now(),
        };
        for (name, partitions) in topics {
            fixture.topics.create(name, *partitions);
        }
        fixture
    }

    pub(super) fn send(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<Told, ResponseError> {
        self.respond(request)
            .map(|response| self.told(&response))
            .map_err(|refused| refused.error)
    }

    pub(super) fn respond(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        validate(request, 1)?;
        self.group
            .heartbeat(&client(), request, &self.topics, self.now)
    }

    fn told(&self, response: &ConsumerGroupHeartbeatResponse) -> Told {
        let assignment = response.assignment.as_ref().map(|assignment| {
            let topics = assignment.topic_partitions.iter();
            topics
                .flat_map(|topic| {
                    let label = self.topics.label(topic.topic_id);
                    owned(label, topic.partitions.iter().copied())
                })
                .collect()
        });
        Told {
            id: response.member_id.as_deref().unwrap_or("").to_owned(),
            epoch: response.member_epoch,
            assignment,
        }
    }

    /// A heartbeat that says what its sender holds.
    pub(super) fn owning(
        &self,
        request: ConsumerGroupHeartbeatRequest,
        owned: &Owned,
    ) -> ConsumerGroupHeartbeatRequest {
        let mut by_topic: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for (topic, index) in owned {
            let id = self.topics.labels[topic];
            by_topic.entry(id).or_default().push(*index);
        }
        let topics = by_topic.into_iter().map(|(topic, indexes)| {
            TopicPartitions::default()
                .with_topic_id(topic)
                .with_partitions(indexes)
        });
        request.with_topic_partitions(Some(topics.collect()))
    }

    pub(super) fn joins(&mut self, id: &str, topics: &[&str]) -> Told {
        self.send(&join(id, topics)).expect("it may join")
    }

    /// Says that it holds `owned`.
    pub(super) fn owns(&mut self, id: &str, epoch: i32, owned: &Owned) -> Told {
        let request = self.owning(beat(id, epoch), owned);
        self.send(&request).expect("it is a member")
    }

    pub(super) fn beats(&mut self, id: &str, epoch: i32) -> Told {
        self.send(&beat(id, epoch)).expect("it is a member")
    }

    pub(super) fn passes(&mut self, time: Duration) {
        self.now += time;
        while self.group.next_deadline().is_some_and(|at| at <= self.now) {
            self.group.tick(self.now);
        }
    }

    pub(super) fn state(&self) -> String {
        self.group.listed().group_state.to_string()
    }

    pub(super) fn epoch(&self) -> i32 {
        self.group.describe(1, &self.topics).group_epoch
    }
}
