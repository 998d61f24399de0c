//! From one generation to the next, and what happens by itself.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::ClassicGroup;
use super::join::refused;
use super::save::Unsaved;
use super::state::State;
use crate::api::Code;

/// When the group stops waiting for members to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JoinTimer {
    /// The group was empty: more may come. It waits once more if somebody came
    /// meanwhile, as long as there is time left.
    First {
        at: Instant,
        delay: Duration,
        remaining: Duration,
    },
    /// Whoever hasn't joined by then is out.
    Rejoin { at: Instant },
}

impl JoinTimer {
    fn at(self) -> Instant {
        match self {
            Self::First { at, .. } | Self::Rejoin { at } => at,
        }
    }
}

impl ClassicGroup {
    /// When [`tick`](Self::tick) has something to do.
    pub(in crate::groups) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.members.values().filter_map(|member| member.deadline);
        sessions
            .chain(self.pending.values().copied())
            .chain(self.join_timer.map(JoinTimer::at))
            .chain(self.sync_deadline)
            .min()
    }

    /// Does what is due.
    pub(in crate::groups) fn tick(&mut self, now: Instant) {
        if self.join_timer.is_some_and(|timer| timer.at() <= now) {
            self.join_timer_due(now);
        }
        if self.sync_deadline.is_some_and(|at| at <= now) {
            self.sync_due(now);
        }
        self.sessions_due(now);
    }

    /// Makes all members join again, as if one had asked for it.
    pub(in crate::groups) fn force_rebalance(&mut self, now: Instant) {
        if matches!(self.state, State::Stable | State::CompletingRebalance) {
            self.prepare_rebalance("it was asked for", now);
        }
    }

    /// Begins a rebalance, or ends the one that goes on if it can.
    pub(super) fn rebalance_or_complete(&mut self, reason: &str, now: Instant) {
        if self.state == State::PreparingRebalance {
            self.complete_if_all_joined(now);
        } else {
            self.prepare_rebalance(reason, now);
        }
    }

    /// The first rebalance of an empty group ends by its timer alone.
    pub(super) fn complete_if_all_joined(&mut self, now: Instant) {
        if self.state == State::PreparingRebalance && !self.first_rebalance && self.all_joined() {
            self.complete_join(now);
        }
    }

    pub(super) fn prepare_rebalance(&mut self, reason: &str, now: Instant) {
        if self.state == State::CompletingRebalance {
            self.fail_syncs(ResponseError::RebalanceInProgress, now);
        }
        self.pending_sync.clear();
        self.sync_deadline = None;
        tracing::debug!(
            group = &*self.id,
            generation = self.generation,
            reason,
            "a rebalance begins"
        );
        let rebalance_timeout = self.rebalance_timeout();
        self.enter(State::PreparingRebalance);
        if self.first_rebalance {
            let delay = self.settings.initial_rebalance_delay;
            self.member_added = false;
            self.join_timer = Some(JoinTimer::First {
                at: now + delay,
                delay,
                remaining: rebalance_timeout.saturating_sub(delay),
            });
        } else if self.all_joined() {
            self.complete_join(now);
        } else {
            self.join_timer = Some(JoinTimer::Rejoin {
                at: now + rebalance_timeout,
            });
        }
    }

    /// The longest that any member wants to be waited for.
    fn rebalance_timeout(&self) -> Duration {
        let timeouts = self.members.values().map(|member| member.rebalance_timeout);
        timeouts.max().unwrap_or_default()
    }

    fn join_timer_due(&mut self, now: Instant) {
        match self.join_timer.take() {
            Some(JoinTimer::First {
                delay, remaining, ..
            }) if self.member_added && !remaining.is_zero() => {
                self.member_added = false;
                let next = self.settings.initial_rebalance_delay.min(remaining);
                self.join_timer = Some(JoinTimer::First {
                    at: now + next,
                    delay: next,
                    remaining: remaining.saturating_sub(delay),
                });
            }
            Some(_) => self.complete_join(now),
            None => {}
        }
    }

    /// Ends the waiting for joins: the next generation begins with those who
    /// came, and with static members, who may be restarting.
    pub(super) fn complete_join(&mut self, now: Instant) {
        self.join_timer = None;
        let late: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.joining.is_none() && member.instance_id.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        for member_id in late {
            tracing::debug!(group = &*self.id, member = member_id, "didn't join in time");
            self.remove(&member_id);
        }
        if !self.elect_leader() && !self.members.is_empty() {
            // Only static members, and none of them came: their sessions
            // will end, or they will.
            self.join_timer = Some(JoinTimer::Rejoin {
                at: now + self.rebalance_timeout(),
            });
            return;
        }
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        self.protocol = self.select_protocol();
        self.subscribed = self.compute_subscribed();
        self.pending_sync.clear();
        if self.members.is_empty() {
            self.enter(State::Empty);
            self.unsaved = Some(Unsaved::Emptied);
            return;
        }
        self.enter(State::CompletingRebalance);
        self.answer_joins(now);
        self.sync_deadline = Some(now + self.rebalance_timeout());
    }

    /// Sees to it that the leader is one who joined; `false` if none did.
    fn elect_leader(&mut self) -> bool {
        let joined = |id: &String| {
            let member = self.members.get(id);
            member.is_some_and(|member| member.joining.is_some())
        };
        if !self.leader.as_ref().is_some_and(joined) {
            match self.members.keys().find(|id| joined(id)).cloned() {
                Some(next) => self.leader = Some(next),
                None => return false,
            }
        }
        true
    }

    fn answer_joins(&mut self, now: Instant) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            let response = self.current_generation(&member_id);
            if let Some(member) = self.members.get_mut(&member_id) {
                member.answer_join(response);
                member.renew(now);
                member.is_new = false;
                self.pending_sync.insert(member_id);
            }
        }
    }

    /// The answer to a join into the generation as it is; only the leader is
    /// told of the others.
    pub(super) fn current_generation(&self, member_id: &str) -> JoinGroupResponse {
        let members = if self.is_leader(member_id) {
            self.joined_members()
        } else {
            Vec::new()
        };
        JoinGroupResponse::default()
            .with_member_id(StrBytes::from_string(member_id.to_owned()))
            .with_generation_id(self.generation)
            .with_protocol_type(self.protocol_type.clone().map(StrBytes::from_string))
            .with_protocol_name(self.protocol.clone().map(StrBytes::from_string))
            .with_leader(StrBytes::from_string(
                self.leader.clone().unwrap_or_default(),
            ))
            .with_members(members)
    }

    pub(super) fn joined_members(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let describe = |(id, member): (&String, &super::member::Member)| {
            JoinGroupResponseMember::default()
                .with_member_id(StrBytes::from_string(id.clone()))
                .with_group_instance_id(member.instance_id.clone().map(StrBytes::from_string))
                .with_metadata(member.metadata(protocol))
        };
        self.members.iter().map(describe).collect()
    }

    /// Answers every sync that waits with an error; nobody has an assignment.
    pub(super) fn fail_syncs(&mut self, error: ResponseError, now: Instant) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
            if member.answer_sync(SyncGroupResponse::default().with_error_code(error.number())) {
                member.renew(now);
            }
        }
    }

    /// Who has not sent its sync is out.
    fn sync_due(&mut self, now: Instant) {
        self.sync_deadline = None;
        if !matches!(self.state, State::CompletingRebalance | State::Stable)
            || self.pending_sync.is_empty()
        {
            return;
        }
        for member_id in std::mem::take(&mut self.pending_sync) {
            tracing::debug!(group = &*self.id, member = member_id, "didn't sync in time");
            self.remove(&member_id);
        }
        self.prepare_rebalance("members didn't sync", now);
    }

    fn sessions_due(&mut self, now: Instant) {
        let due = |at: Instant| at <= now;
        let pending: Vec<String> = self
            .pending
            .iter()
            .filter(|(_, at)| due(**at))
            .map(|(id, _)| id.clone())
            .collect();
        for member_id in pending {
            self.remove(&member_id);
            self.complete_without(now);
        }
        let expired: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.deadline.is_some_and(due))
            .map(|(id, _)| id.clone())
            .collect();
        for member_id in expired {
            self.session_due(&member_id, now);
        }
    }

    fn session_due(&mut self, member_id: &str, now: Instant) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        // What was done for another that was due may have renewed this one.
        if member.deadline.is_none_or(|at| at > now) {
            return;
        }
        member.deadline = None;
        if member.is_excused() {
            return;
        }
        tracing::debug!(group = &*self.id, member = member_id, "its session ended");
        self.expel(member_id);
        match self.state {
            State::Stable | State::CompletingRebalance => {
                self.prepare_rebalance("a session ended", now);
            }
            State::PreparingRebalance => self.complete_without(now),
            State::Empty => {}
        }
    }

    /// Takes a member out. Its client, if it is still there, shall join anew.
    pub(super) fn expel(&mut self, member_id: &str) {
        if let Some(mut member) = self.remove(member_id) {
            member.answer_join(refused(StrBytes::default(), ResponseError::UnknownMemberId));
        }
    }

    /// After somebody is gone: the others may be complete, in the first
    /// rebalance too.
    fn complete_without(&mut self, now: Instant) {
        if self.state == State::PreparingRebalance && self.all_joined() {
            self.complete_join(now);
        }
    }
}
