//! DescribeGroups and ListGroups.

use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::protocol::StrBytes;

use super::ClassicGroup;
use super::member::Member;
use super::state::State;

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

impl ClassicGroup {
    pub(in crate::groups) fn listed(&self) -> ListedGroup {
        ListedGroup::default()
            .with_group_id(GroupId(text(&self.id)))
            .with_protocol_type(text(self.protocol_type.as_deref().unwrap_or_default()))
            .with_group_state(StrBytes::from_static_str(self.state.name()))
            .with_group_type(StrBytes::from_static_str("classic"))
    }

    /// Protocol and metadata are told of a stable group only.
    pub(in crate::groups) fn describe(&self) -> DescribedGroup {
        let protocol = self.protocol.as_deref();
        let protocol = protocol.filter(|_| self.state == State::Stable);
        let describe = |(id, member): (&String, &Member)| {
            DescribedGroupMember::default()
                .with_member_id(text(id))
                .with_group_instance_id(member.instance_id.as_deref().map(text))
                .with_client_id(text(&member.client_id))
                .with_client_host(text(&member.client_host))
                .with_member_metadata(
                    protocol
                        .map(|name| member.metadata(name))
                        .unwrap_or_default(),
                )
                .with_member_assignment(member.assignment.clone())
        };
        DescribedGroup::default()
            .with_group_id(GroupId(text(&self.id)))
            .with_group_state(StrBytes::from_static_str(self.state.name()))
            .with_protocol_type(text(self.protocol_type.as_deref().unwrap_or_default()))
            .with_protocol_data(text(protocol.unwrap_or_default()))
            .with_members(self.members.iter().map(describe).collect())
    }
}
