//! JoinGroup.

use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::member::{self, Member};
use super::state::State;
use super::{ClassicGroup, Reply};
use crate::api::Code;
use crate::groups::Client;

/// A join that was refused.
pub(in crate::groups) fn refused(member_id: StrBytes, error: ResponseError) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_member_id(member_id)
        .with_protocol_name(None)
        .with_error_code(error.number())
}

impl ClassicGroup {
    /// Answers now or when the group has gathered.
    pub(in crate::groups) fn join(
        &mut self,
        client: &Client,
        mut request: JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
        now: Instant,
    ) {
        if client.version == 0 {
            // It had only one timeout.
            request.rebalance_timeout_ms = request.session_timeout_ms;
        }
        let member_id = request.member_id.to_string();
        if !self.has_room(&member_id) {
            self.remove(&member_id);
            let error = ResponseError::GroupMaxSizeReached;
            let _ = reply.send(refused(StrBytes::default(), error));
            return;
        }
        let protocols = member::protocols(&request.protocols);
        if !self.supports(&request.protocol_type, &protocols) {
            let error = ResponseError::InconsistentGroupProtocol;
            let _ = reply.send(refused(request.member_id, error));
        } else if member_id.is_empty() {
            self.join_new(client, &request, reply, now);
        } else if self.pending.contains_key(&member_id) {
            self.add(client, member_id, &request, reply, now);
        } else {
            self.rejoin(member_id, &request, reply, now);
        }
    }

    fn has_room(&self, member_id: &str) -> bool {
        let max = self.settings.max_size;
        let known = self.members.get(member_id);
        match self.state {
            State::Empty => true,
            // Who waits is counted: those who have not come yet may never.
            State::PreparingRebalance => {
                let waiting = self.members.values().filter(|one| one.joining.is_some());
                known.is_some_and(|one| one.joining.is_some()) || waiting.count() < max
            }
            State::CompletingRebalance | State::Stable => {
                known.is_some() || self.members.len() < max
            }
        }
    }

    fn join_new(
        &mut self,
        client: &Client,
        request: &JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
        now: Instant,
    ) {
        let prefix = request.group_instance_id.as_ref().unwrap_or(&client.id);
        let new_id = format!("{prefix}-{}", Uuid::new_v4());
        let instance = request.group_instance_id.as_deref();
        if let Some(old_id) = instance.and_then(|id| self.instances.get(id)).cloned() {
            self.replace_static(client, &old_id, new_id, request, reply, now);
        } else if instance.is_none() && client.version >= 4 {
            // It joins again with this id, so that a lost answer leaves no
            // member that nobody knows of.
            let until = now + member::timeout(request.session_timeout_ms);
            self.pending.insert(new_id.clone(), until);
            let error = ResponseError::MemberIdRequired;
            let _ = reply.send(refused(StrBytes::from_string(new_id), error));
        } else {
            self.add(client, new_id, request, reply, now);
        }
    }

    fn add(
        &mut self,
        client: &Client,
        member_id: String,
        request: &JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
        now: Instant,
    ) {
        if self.state == State::PreparingRebalance && self.first_rebalance {
            self.member_added = true;
        }
        self.pending.remove(&member_id);
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.to_string());
        }
        let instance_id = request.group_instance_id.as_ref().map(ToString::to_string);
        if let Some(instance_id) = &instance_id {
            self.instances
                .insert(instance_id.clone(), member_id.clone());
        }
        let member = Member {
            instance_id,
            client_id: client.id.to_string(),
            client_host: client.host.clone(),
            rebalance_timeout: member::timeout(request.rebalance_timeout_ms),
            session_timeout: member::timeout(request.session_timeout_ms),
            protocols: member::protocols(&request.protocols),
            assignment: bytes::Bytes::new(),
            is_new: true,
            // While its join waits, nobody notices when it hangs up.
            deadline: Some(now + self.settings.new_member_join_timeout),
            joining: Some(reply),
            syncing: None,
        };
        self.leader.get_or_insert_with(|| member_id.clone());
        self.members.insert(member_id, member);
        self.rebalance_or_complete("a member joins", now);
    }

    fn rejoin(
        &mut self,
        member_id: String,
        request: &JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
        now: Instant,
    ) {
        let instance_id = request.group_instance_id.as_deref();
        let known = self.check_member(&member_id, instance_id);
        let Some(member) = self.members.get_mut(&member_id).filter(|_| known.is_ok()) else {
            let error = known.err().unwrap_or(ResponseError::UnknownMemberId);
            let _ = reply.send(refused(request.member_id.clone(), error));
            return;
        };
        let changed = member.protocols != member::protocols(&request.protocols);
        let rebalances = match self.state {
            State::PreparingRebalance => true,
            // Its answer was lost: here it is again.
            State::CompletingRebalance => changed,
            // The leader may know of what no metadata tells, such as a topic
            // that grew.
            State::Stable => changed || self.is_leader(&member_id),
            State::Empty => {
                let error = ResponseError::UnknownMemberId;
                let _ = reply.send(refused(request.member_id.clone(), error));
                return;
            }
        };
        if rebalances {
            self.update(&member_id, request, reply);
            self.rebalance_or_complete("a member joins again", now);
        } else {
            let _ = reply.send(self.current_generation(&member_id));
        }
    }

    /// Takes over what a member says of itself now, and its waiting.
    pub(super) fn update(
        &mut self,
        member_id: &str,
        request: &JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
    ) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.protocols = member::protocols(&request.protocols);
            member.rebalance_timeout = member::timeout(request.rebalance_timeout_ms);
            member.session_timeout = member::timeout(request.session_timeout_ms);
            member.joining = Some(reply);
        }
    }
}
