//! SyncGroup and Heartbeat.

use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{HeartbeatRequest, SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::save::Unsaved;
use super::state::State;
use super::{ClassicGroup, Reply};
use crate::api::Code;

impl ClassicGroup {
    /// Answers now or when the leader's assignment has come.
    pub(in crate::groups) fn sync(
        &mut self,
        request: &SyncGroupRequest,
        reply: Reply<SyncGroupResponse>,
    ) {
        let member_id = &*request.member_id;
        let refusal = self.check_sync(request).err().or(match self.state {
            State::Empty => Some(ResponseError::UnknownMemberId),
            State::PreparingRebalance => Some(ResponseError::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => None,
        });
        if let Some(error) = refusal {
            let response = SyncGroupResponse::default().with_error_code(error.number());
            let _ = reply.send(response);
            return;
        }
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            self.sync_deadline = None;
        }
        if self.state == State::Stable {
            let _ = reply.send(self.assignment(member_id));
            return;
        }
        if let Some(member) = self.members.get_mut(member_id) {
            member.syncing = Some(reply);
        }
        if self.is_leader(member_id) {
            self.assign(request);
            self.unsaved = Some(Unsaved::Assigned);
        }
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs = |asked: &Option<StrBytes>, ours: &Option<String>| match (asked, ours) {
            (Some(asked), Some(ours)) => **asked != **ours,
            _ => false,
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// A member that the leader doesn't name gets nothing.
    fn assign(&mut self, request: &SyncGroupRequest) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        for assigned in &request.assignments {
            if let Some(member) = self.members.get_mut(&*assigned.member_id) {
                member.assignment = Bytes::copy_from_slice(&assigned.assignment);
            }
        }
    }

    pub(super) fn assignment(&self, member_id: &str) -> SyncGroupResponse {
        let member = self.members.get(member_id);
        SyncGroupResponse::default()
            .with_protocol_type(self.protocol_type.clone().map(StrBytes::from_string))
            .with_protocol_name(self.protocol.clone().map(StrBytes::from_string))
            .with_assignment(member.map(|one| one.assignment.clone()).unwrap_or_default())
    }

    /// Gives every member that waits its assignment.
    pub(super) fn answer_syncs(&mut self, now: Instant) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            let response = self.assignment(&member_id);
            if let Some(member) = self.members.get_mut(&member_id)
                && member.answer_sync(response)
            {
                member.renew(now);
            }
        }
    }

    /// A sign of life.
    ///
    /// # Errors
    /// The member shall join again, or is none.
    pub(in crate::groups) fn heartbeat(
        &mut self,
        request: &HeartbeatRequest,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        self.renew(&request.member_id, now);
        match self.state {
            State::Empty => Err(ResponseError::UnknownMemberId),
            State::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }
}
