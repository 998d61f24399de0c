//! Leaving, by the member's own word or an administrator's.

use std::time::Instant;

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, LeaveGroupRequest,
    LeaveGroupResponse,
};

use super::group::ConsumerGroup;
use super::member::{LEAVING_FOR_A_WHILE, MemberState};
use super::{Partitions, Refused};
use crate::api::Code;

impl ConsumerGroup {
    /// A member's last heartbeat.
    pub(super) fn leave(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        now: Instant,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        let member = match &request.instance_id {
            None => self.member(&request.member_id)?,
            Some(instance) => self.static_member(instance, &request.member_id)?,
        };
        let id = member.id.clone();
        if request.member_epoch == LEAVING_FOR_A_WHILE {
            self.leave_for_a_while(&id, now);
        } else {
            self.remove([id]);
        }
        Ok(ConsumerGroupHeartbeatResponse::default()
            .with_member_id(Some(request.member_id.clone()))
            .with_member_epoch(request.member_epoch))
    }

    /// What it had stays its own until its session ends, but for what it was
    /// giving up: its process is gone, so that is given up.
    fn leave_for_a_while(&mut self, id: &str, now: Instant) {
        if let Some(member) = self.members.get_mut(id) {
            member.epoch = LEAVING_FOR_A_WHILE;
            member.state = MemberState::Stable;
            member.revoking = Partitions::default();
            self.timers.moved(member, now);
            self.dirty = true;
        }
    }

    /// LeaveGroup, which administrators send for members of this protocol too.
    pub(crate) fn expel(&mut self, request: &LeaveGroupRequest) -> LeaveGroupResponse {
        let mut leaving = Vec::new();
        let mut members = Vec::with_capacity(request.members.len());
        for named in &request.members {
            let found = self.named(named).map(|member| member.id.clone());
            members.push(
                MemberResponse::default()
                    .with_member_id(named.member_id.clone())
                    .with_group_instance_id(named.group_instance_id.clone())
                    .with_error_code(found.as_ref().err().map(|refused| refused.error).number()),
            );
            leaving.extend(found);
        }
        self.remove(leaving);
        LeaveGroupResponse::default().with_members(members)
    }

    fn named(&self, named: &MemberIdentity) -> Result<&super::member::Member, Refused> {
        match &named.group_instance_id {
            None => self.member(&named.member_id),
            // An administrator knows the instance only.
            Some(instance) if named.member_id.is_empty() => self.instance(instance),
            Some(instance) => self.static_member(instance, &named.member_id),
        }
    }

    /// Removes members; those that are left get a new target with the next
    /// heartbeat of any.
    pub(super) fn remove(&mut self, members: impl IntoIterator<Item = String>) {
        let before = self.members.len();
        for id in members {
            self.members.remove(&id);
            self.targets.remove(&id);
            self.timers.forget(&id);
        }
        if self.members.len() < before {
            self.epoch += 1;
            self.dirty = true;
        }
    }
}
