//! A static member that comes back under its instance id.

use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::join::refused;
use super::member::{Member, Protocol};
use super::save::Unsaved;
use super::state::State;
use super::{ClassicGroup, Reply};
use crate::api::Code;
use crate::groups::Client;

/// A static member whose new id must be stored before it is told.
#[derive(Debug)]
pub(super) struct Replacement {
    old_id: String,
    new_id: String,
    old_leader: Option<String>,
    /// What the old one said of itself.
    protocols: Vec<Protocol>,
    rebalance_timeout: std::time::Duration,
    session_timeout: std::time::Duration,
    /// The version of its request.
    version: i16,
}

impl ClassicGroup {
    /// Gives the place of `old_id` to the same instance under a new id. The
    /// old id is fenced from now on.
    pub(super) fn replace_static(
        &mut self,
        client: &Client,
        old_id: &str,
        new_id: String,
        request: &JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
        now: Instant,
    ) {
        let old_leader = self.leader.clone();
        let Some(mut member) = self.rename(old_id, &new_id) else {
            let _ = reply.send(refused(StrBytes::default(), ResponseError::UnknownMemberId));
            return;
        };
        fence(old_id, &mut member);
        member.is_new = false;
        member.renew(now);
        let undo = Replacement {
            old_id: old_id.to_owned(),
            new_id: new_id.clone(),
            old_leader,
            protocols: member.protocols.clone(),
            rebalance_timeout: member.rebalance_timeout,
            session_timeout: member.session_timeout,
            version: client.version,
        };
        self.members.insert(new_id.clone(), member);
        self.update(&new_id, request, reply);
        match self.state {
            // Nothing changes for the others: no rebalance.
            State::Stable if self.select_protocol() == self.protocol => {
                self.unsaved = Some(Unsaved::Replaced(undo));
            }
            // The leader was told the old id, and would assign to it.
            State::CompletingRebalance | State::Stable => {
                self.prepare_rebalance("a static member came back", now);
            }
            State::PreparingRebalance | State::Empty => self.complete_if_all_joined(now),
        }
    }

    /// Takes a member out to put it back under another id.
    fn rename(&mut self, from: &str, to: &str) -> Option<Member> {
        let member = self.members.remove(from)?;
        if self.is_leader(from) {
            self.leader = Some(to.to_owned());
        }
        if self.pending_sync.remove(from) {
            self.pending_sync.insert(to.to_owned());
        }
        if let Some(instance_id) = &member.instance_id {
            self.instances.insert(instance_id.clone(), to.to_owned());
        }
        Some(member)
    }

    /// The new id is stored: it is told.
    pub(super) fn replaced(&mut self, done: &Replacement) {
        let mut response = self.current_generation(&done.new_id);
        if done.version >= 9 {
            response.skip_assignment = self.is_leader(&done.new_id);
        } else {
            // With the old id as leader it takes itself for a follower, and
            // asks for its assignment instead of making one.
            response.members.clear();
            response.leader = StrBytes::from_string(done.old_leader.clone().unwrap_or_default());
        }
        if let Some(member) = self.members.get_mut(&done.new_id) {
            member.answer_join(response);
        }
    }

    /// The new id could not be stored: the old one stays.
    pub(super) fn not_replaced(&mut self, undo: Replacement, now: Instant) {
        let Some(mut member) = self.rename(&undo.new_id, &undo.old_id) else {
            return;
        };
        member.answer_join(refused(
            StrBytes::default(),
            ResponseError::CoordinatorNotAvailable,
        ));
        member.protocols = undo.protocols;
        member.rebalance_timeout = undo.rebalance_timeout;
        member.session_timeout = undo.session_timeout;
        member.renew(now);
        self.members.insert(undo.old_id, member);
    }
}

/// Tells whoever waits under the old id that another has taken its place.
fn fence(old_id: &str, member: &mut Member) {
    let error = ResponseError::FencedInstanceId;
    let old_id = StrBytes::from_string(old_id.to_owned());
    member.answer_join(refused(old_id, error));
    member.answer_sync(SyncGroupResponse::default().with_error_code(error.number()));
}
