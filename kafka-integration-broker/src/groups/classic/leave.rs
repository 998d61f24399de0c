//! LeaveGroup.

use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::ClassicGroup;
use super::state::State;
use crate::api::Code;

impl ClassicGroup {
    /// Takes members out. `request.members` names them in all versions.
    pub(in crate::groups) fn leave(
        &mut self,
        request: &LeaveGroupRequest,
        now: Instant,
    ) -> LeaveGroupResponse {
        let mut members = Vec::with_capacity(request.members.len());
        let mut any_left = false;
        for leaving in &request.members {
            let outcome = self.leave_one(leaving);
            any_left |= outcome.is_ok();
            members.push(
                MemberResponse::default()
                    .with_member_id(leaving.member_id.clone())
                    .with_group_instance_id(leaving.group_instance_id.clone())
                    .with_error_code(outcome.err().number()),
            );
        }
        if any_left {
            match self.state {
                State::Stable | State::CompletingRebalance => {
                    self.prepare_rebalance("a member left", now);
                }
                State::PreparingRebalance => self.complete_if_all_joined(now),
                State::Empty => {}
            }
        }
        LeaveGroupResponse::default().with_members(members)
    }

    fn leave_one(&mut self, leaving: &MemberIdentity) -> Result<(), ResponseError> {
        let instance_id = leaving.group_instance_id.as_deref();
        if leaving.member_id.is_empty() {
            // An administrator removes a static member.
            let current = instance_id.and_then(|id| self.instances.get(id)).cloned();
            self.expel(&current.ok_or(ResponseError::UnknownMemberId)?);
            return Ok(());
        }
        if self.pending.remove(&*leaving.member_id).is_some() {
            return Ok(());
        }
        self.check_member(&leaving.member_id, instance_id)?;
        self.expel(&leaving.member_id);
        Ok(())
    }
}
