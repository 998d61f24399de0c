//! Members of groups of the consumer protocol (KIP-848) on raw requests.

use std::collections::BTreeSet;

use kafka_integration_tests::raw::Connection;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use uuid::Uuid;

use super::codes::*;
use super::shapes::{group_id, text};
use super::topics::Topic;
use super::{Target, eventually};

/// Topic id and partition.
pub type Owned = BTreeSet<(Uuid, i32)>;

/// A member of a consumer group, which owns what it is assigned.
pub struct Consumer {
    pub connection: Connection,
    pub group: String,
    pub id: String,
    pub instance: Option<String>,
    pub epoch: i32,
    /// What it was assigned last.
    pub assigned: Owned,
    /// What it reports.
    pub owned: Owned,
}

impl Target {
    /// A client that is not yet a member.
    pub async fn consumer(&self, group: &str) -> Consumer {
        Consumer {
            connection: self.connect().await,
            group: group.to_owned(),
            id: Uuid::from_u128(rand()).to_string(),
            instance: None,
            epoch: 0,
            assigned: Owned::new(),
            owned: Owned::new(),
        }
    }

    /// What ConsumerGroupDescribe says of one group.
    pub async fn describe_consumers(&self, version: i16, group: &str) -> DescribedGroup {
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(group)]);
        self.call(version, request).await.groups.remove(0)
    }
}

fn rand() -> u128 {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(0));
    half() << 64 | half()
}

/// All partitions of a topic.
pub fn all(topic: &Topic, partitions: i32) -> Owned {
    (0..partitions).map(|index| (topic.id, index)).collect()
}

impl Consumer {
    #[must_use]
    pub fn instance(mut self, instance: &str) -> Self {
        self.instance = Some(instance.to_owned());
        self
    }

    /// A heartbeat that tells nothing new.
    pub fn request(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&*self.group))
            .with_member_id(text(&*self.id))
            .with_member_epoch(self.epoch)
            .with_instance_id(self.instance.as_deref().map(text))
            .with_rebalance_timeout_ms(-1)
            .with_subscribed_topic_names(None)
            .with_topic_partitions(None)
    }

    /// The first heartbeat, for these topics.
    pub fn join_request(&self, topics: &[&Topic]) -> ConsumerGroupHeartbeatRequest {
        let names = topics.iter().map(|topic| topic.name()).collect();
        self.request()
            .with_member_epoch(0)
            .with_rebalance_timeout_ms(30_000)
            .with_subscribed_topic_names(Some(names))
            .with_topic_partitions(Some(Vec::new()))
    }

    /// What it owns, as a heartbeat tells it.
    pub fn report(&self) -> Vec<TopicPartitions> {
        let mut topics: Vec<TopicPartitions> = Vec::new();
        for (id, partition) in &self.owned {
            match topics.iter_mut().find(|topic| topic.topic_id == *id) {
                Some(topic) => topic.partitions.push(*partition),
                None => topics.push(
                    TopicPartitions::default()
                        .with_topic_id(*id)
                        .with_partitions(vec![*partition]),
                ),
            }
        }
        topics
    }

    /// Sends a heartbeat of version 1 and remembers the answer.
    pub async fn send(
        &mut self,
        request: ConsumerGroupHeartbeatRequest,
    ) -> ConsumerGroupHeartbeatResponse {
        let answer = self.connection.call(1, request).await;
        if answer.error_code == NONE {
            self.epoch = answer.member_epoch;
            if let Some(assignment) = &answer.assignment {
                let topics = assignment.topic_partitions.iter();
                self.assigned = topics
                    .flat_map(|topic| {
                        let partitions = topic.partitions.iter();
                        partitions.map(|partition| (topic.topic_id, *partition))
                    })
                    .collect();
            }
        }
        answer
    }

    /// Joins with names; the answer has to be good.
    pub async fn join(&mut self, topics: &[&Topic]) {
        let answer = self.send(self.join_request(topics)).await;
        assert_eq!(answer.error_code, NONE, "{:?}", answer.error_message);
        assert!(answer.member_epoch > 0);
    }

    /// A heartbeat that tells nothing new; its error.
    pub async fn beat(&mut self) -> i16 {
        let request = self.request();
        self.send(request).await.error_code
    }

    /// Takes over what it is assigned and gives back the rest, as a client
    /// does, and reports it.
    pub async fn settle(&mut self) {
        assert_eq!(self.beat().await, NONE);
        if self.owned != self.assigned {
            self.owned.clone_from(&self.assigned);
            let request = self.request().with_topic_partitions(Some(self.report()));
            assert_eq!(self.send(request).await.error_code, NONE);
        }
    }

    /// Goes on until it owns this.
    pub async fn owns(&mut self, expected: &Owned) {
        eventually("the assignment", async || {
            self.settle().await;
            (self.owned == *expected && self.assigned == *expected).then_some(())
        })
        .await;
    }

    /// Leaves for good (-1) or for a while (-2).
    pub async fn leave(&mut self, epoch: i32) -> ConsumerGroupHeartbeatResponse {
        let request = self.request().with_member_epoch(epoch);
        self.connection.call(1, request).await
    }
}
