use kafka_protocol::messages::consumer_group_describe_response as response;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::group::ConsumerGroup;
use super::member::Member;
use super::{Partitions, TopicsView};

/// What `member_type` says of a member of the consumer protocol.
const CONSUMER_MEMBER: i8 = 1;

impl ConsumerGroup {
    /// Whether it can be deleted or become a group of another protocol.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a member reads `topic`.
    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        let mut members = self.members.values();
        members.any(|member| self.subscriptions.reads(member, topic))
    }

    fn state(&self) -> &'static str {
        let mut members = self.members.values();
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if members.all(|member| member.has_reached(self.target_epoch)) {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    pub(crate) fn listed(&self) -> ListedGroup {
        ListedGroup::default()
            .with_group_id(GroupId(text(&self.id)))
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_group_state(StrBytes::from_static_str(self.state()))
            .with_group_type(StrBytes::from_static_str("consumer"))
    }

    /// For ConsumerGroupDescribe.
    pub(crate) fn describe(
        &self,
        version: i16,
        topics: &dyn TopicsView,
    ) -> response::DescribedGroup {
        let member = |member: &Member| self.describe_member(member, version, topics);
        response::DescribedGroup::default()
            .with_group_id(GroupId(text(&self.id)))
            .with_group_state(StrBytes::from_static_str(self.state()))
            .with_group_epoch(self.epoch)
            .with_assignment_epoch(self.target_epoch)
            .with_assignor_name(StrBytes::from_static_str(self.assignor().name()))
            .with_members(self.members.values().map(member).collect())
    }

    fn describe_member(
        &self,
        member: &Member,
        version: i16,
        topics: &dyn TopicsView,
    ) -> response::Member {
        let nothing = Partitions::default();
        let target = self.targets.get(&member.id).unwrap_or(&nothing);
        let names = member.topic_names.iter().map(|name| TopicName(text(name)));
        let described = response::Member::default()
            .with_member_id(text(&member.id))
            .with_instance_id(member.instance_id.as_deref().map(text))
            .with_rack_id(member.rack_id.as_deref().map(text))
            .with_member_epoch(member.epoch)
            .with_client_id(text(&member.client_id))
            .with_client_host(text(&member.client_host))
            .with_subscribed_topic_names(names.collect())
            .with_subscribed_topic_regex(Some(text(member.topic_regex.as_deref().unwrap_or(""))))
            .with_assignment(describe_partitions(&member.assigned, topics))
            .with_target_assignment(describe_partitions(target, topics));
        match version {
            0 => described,
            _ => described.with_member_type(CONSUMER_MEMBER),
        }
    }
}

/// Without the topics that are gone.
fn describe_partitions(partitions: &Partitions, topics: &dyn TopicsView) -> response::Assignment {
    let named = partitions.topics().filter_map(|(id, indexes)| {
        let name = TopicName(text(&topics.name(id)?));
        let topic = response::TopicPartitions::default()
            .with_topic_id(id)
            .with_topic_name(name)
            .with_partitions(indexes.iter().copied().collect());
        Some(topic)
    });
    response::Assignment::default().with_topic_partitions(named.collect())
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
