use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::ResponseError;

use super::member::{Member, Protocol};
use super::rebalance::JoinTimer;
use super::save::Unsaved;
use crate::clock::now_ms;
use crate::groups::{Settings, subscription};

/// The protocol type of consumers, whose metadata the coordinator can read.
const CONSUMER: &str = "consumer";

/// Where a group is between two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Empty,
    /// Members are awaited: all of the last generation shall join.
    PreparingRebalance,
    /// The leader's assignment is awaited.
    CompletingRebalance,
    Stable,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A group of the classic protocol. One that was never joined is what Apache
/// Kafka calls a simple group: a name to commit offsets under.
#[derive(Debug)]
pub(in crate::groups) struct ClassicGroup {
    pub(super) id: Arc<str>,
    pub(super) settings: Arc<Settings>,
    pub(super) state: State,
    /// It was empty before the rebalance that is being prepared.
    pub(super) first_rebalance: bool,
    /// In ms since 1970: when `state` was reached.
    pub(super) state_since: i64,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: BTreeMap<String, Member>,
    /// Members by their instance id.
    pub(super) instances: BTreeMap<String, String>,
    /// Ids that were given out and not yet joined with, until when.
    pub(super) pending: BTreeMap<String, Instant>,
    /// Members whose sync is awaited in this generation.
    pub(super) pending_sync: BTreeSet<String>,
    /// A member came during the first rebalance, which may wait for more.
    pub(super) member_added: bool,
    pub(super) join_timer: Option<JoinTimer>,
    pub(super) sync_deadline: Option<Instant>,
    /// `None` when the coordinator can't tell.
    pub(super) subscribed: Option<BTreeSet<String>>,
    pub(super) unsaved: Option<Unsaved>,
    /// It is a group also without members and offsets.
    pub(super) is_kept: bool,
}

impl ClassicGroup {
    pub(in crate::groups) fn new(id: Arc<str>, settings: Arc<Settings>) -> Self {
        Self {
            id,
            settings,
            state: State::Empty,
            first_rebalance: false,
            state_since: now_ms(),
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            member_added: false,
            join_timer: None,
            sync_deadline: None,
            subscribed: None,
            unsaved: None,
            is_kept: false,
        }
    }

    /// Nobody ever joined: it exists only as far as it has offsets.
    pub(in crate::groups) fn is_unused(&self) -> bool {
        self.is_idle() && !self.is_kept && self.protocol_type.is_none()
    }

    /// Lets it outlive its last offset, as long as offsets are not expired.
    pub(in crate::groups) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Nothing will happen to it by itself, and nobody is in it.
    pub(in crate::groups) fn is_idle(&self) -> bool {
        self.state == State::Empty && self.pending.is_empty()
    }

    /// No members, so that it may be deleted or become another kind.
    pub(in crate::groups) fn is_empty(&self) -> bool {
        self.state == State::Empty
    }

    pub(super) fn enter(&mut self, state: State) {
        self.first_rebalance = state == State::PreparingRebalance && self.state == State::Empty;
        self.state = state;
        self.state_since = now_ms();
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Whether a member may speak under the names it gives.
    pub(super) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance_id) = instance_id {
            match self.instances.get(instance_id) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(current) if current != member_id => {
                    return Err(ResponseError::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    /// Begins a member's session anew.
    pub(super) fn renew(&mut self, member_id: &str, now: Instant) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.renew(now);
        }
    }

    /// Takes a member out, its waiting requests unanswered.
    pub(super) fn remove(&mut self, member_id: &str) -> Option<Member> {
        let member = self.members.remove(member_id);
        if let Some(instance_id) = member.as_ref().and_then(|gone| gone.instance_id.as_ref()) {
            self.instances.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending.remove(member_id);
        self.pending_sync.remove(member_id);
        member
    }

    /// Whether everybody who is expected has joined.
    pub(super) fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Protocols that every member knows.
    fn common(&self, protocol: &str) -> bool {
        self.members
            .values()
            .all(|member| member.supports(protocol))
    }

    /// Whether somebody with these protocols fits in.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.state == State::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| self.common(&protocol.name))
    }

    /// The protocol that all know and most prefer; `None` without members.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let mut votes = BTreeMap::<&str, usize>::new();
        for member in self.members.values() {
            let mut known = member
                .protocols
                .iter()
                .map(|protocol| protocol.name.as_str());
            if let Some(choice) = known.find(|name| self.common(name)) {
                *votes.entry(choice).or_default() += 1;
            }
        }
        let most = votes.values().max().copied()?;
        let mut winners = votes.iter().filter(|(_, count)| **count == most);
        winners.next().map(|(name, _)| (*name).to_owned())
    }

    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// What the members of this generation read, as far as it can be told.
    pub(super) fn compute_subscribed(&self) -> Option<BTreeSet<String>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        let Some(protocol) = &self.protocol else {
            return self.members.is_empty().then(BTreeSet::new);
        };
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscription::topics(&member.metadata(protocol))?);
        }
        Some(topics)
    }

    /// Whether a member reads the topic, as far as it can be told.
    pub(in crate::groups) fn is_subscribed(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }
}
