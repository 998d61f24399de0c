use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::assignor::{Assignor, Candidate};
use super::member::{JOINING, LEAVING, LEAVING_FOR_A_WHILE, Member};
use super::reconcile::{Target, reconcile};
use super::subscriptions::Subscriptions;
use super::timers::{Timers, Timing};
use super::{Partitions, Refused, TopicsView};
use crate::groups::Client;

/// A group of the consumer protocol.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerGroup {
    pub(super) id: Arc<str>,
    pub(super) timing: Timing,
    /// 0 until the first member has joined.
    pub(super) epoch: i32,
    /// The epoch that the targets are for; lower than `epoch` until the next
    /// heartbeat.
    pub(super) target_epoch: i32,
    pub(super) members: BTreeMap<String, Member>,
    pub(super) targets: BTreeMap<String, Partitions>,
    pub(super) subscriptions: Subscriptions,
    pub(super) timers: Timers,
    pub(super) dirty: bool,
}

impl ConsumerGroup {
    pub(crate) fn new(id: Arc<str>, timing: Timing) -> Self {
        Self {
            id,
            timing,
            epoch: 0,
            target_epoch: 0,
            members: BTreeMap::new(),
            targets: BTreeMap::new(),
            subscriptions: Subscriptions::default(),
            timers: Timers::default(),
            dirty: false,
        }
    }

    /// Takes a member's word and tells it what is next. The request was
    /// [validated](super::validate).
    ///
    /// # Errors
    /// Nothing has changed; the client is told why.
    pub(crate) fn heartbeat(
        &mut self,
        client: &Client,
        request: &ConsumerGroupHeartbeatRequest,
        topics: &dyn TopicsView,
        now: Instant,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        if matches!(request.member_epoch, LEAVING | LEAVING_FOR_A_WHILE) {
            return self.leave(request, now);
        }
        let owned = request.topic_partitions.as_deref().map(Partitions::from);
        let (found, replaced) = self.find_or_join(request, owned.as_ref())?;
        let mut member = found.clone();
        member.update(client, request);
        self.subscriptions.learn(&member)?;
        // From here on nothing is refused.
        if let Some(replaced) = replaced {
            self.replace(&replaced, &member.id);
        }
        let is_new = self.members.get(&member.id) != Some(&member);
        self.dirty |= is_new;
        self.timers
            .heard_of(&member.id, now + self.timing.session_timeout);
        self.members.insert(member.id.clone(), member.clone());
        self.advance(member.subscription_differs(&found), topics);

        let nothing = Partitions::default();
        let target = Target {
            epoch: self.target_epoch,
            partitions: self.targets.get(&member.id).unwrap_or(&nothing),
        };
        let before = member.clone();
        reconcile(&mut member, target, owned.as_ref(), || self.taken());
        if member != before {
            self.dirty = true;
            self.timers.moved(&member, now);
        }
        let tell = is_full(request) || member.assigned != found.assigned;
        let response = ConsumerGroupHeartbeatResponse::default()
            .with_member_id(Some(StrBytes::from_string(member.id.clone())))
            .with_member_epoch(member.epoch)
            .with_heartbeat_interval_ms(
                i32::try_from(self.timing.heartbeat_interval.as_millis()).unwrap_or(i32::MAX),
            )
            .with_assignment(tell.then(|| member.assigned.to_response()));
        self.members.insert(member.id.clone(), member);
        Ok(response)
    }

    /// Brings epoch and targets up to the members and the topics.
    fn advance(&mut self, subscription_changed: bool, topics: &dyn TopicsView) {
        let mut is_next = subscription_changed || self.epoch == 0;
        let waits = self.epoch > self.target_epoch;
        if is_next || waits || self.subscriptions.are_of_before(topics) {
            let members = self.members.values();
            // Who left has raised the epoch already.
            is_next |= self.subscriptions.refresh(members, topics) && !waits;
        }
        if is_next {
            self.epoch += 1;
        }
        if self.epoch > self.target_epoch {
            self.targets = self.next_targets();
            self.target_epoch = self.epoch;
            self.dirty = true;
        }
    }

    fn next_targets(&self) -> BTreeMap<String, Partitions> {
        let candidates: Vec<Candidate<'_>> = self
            .members
            .values()
            .map(|member| Candidate {
                id: &member.id,
                instance_id: member.instance_id.as_deref(),
                topics: self.subscriptions.ids(member),
                had: self.targets.get(&member.id),
            })
            .collect();
        let sizes = self.subscriptions.sizes();
        let targets = self.assignor().assign(&candidates, &sizes);
        self.members.keys().cloned().zip(targets).collect()
    }

    /// The one that most members prefer.
    pub(super) fn assignor(&self) -> Assignor {
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        for name in self.members.values().filter_map(|it| it.assignor.as_ref()) {
            if let Some(assignor) = Assignor::by_name(name) {
                *votes.entry(assignor).or_default() += 1;
            }
        }
        let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
        most.map_or(Assignor::DEFAULT, |(assignor, _)| assignor)
    }

    /// What any member may hold at this moment.
    fn taken(&self) -> Partitions {
        let held = |member: &Member| {
            let held = member.assigned.iter().chain(member.revoking.iter());
            held.collect::<Vec<_>>()
        };
        self.members.values().flat_map(held).collect()
    }

    /// Puts a static member that came back in the place of what it was.
    fn replace(&mut self, old: &str, new: &str) {
        self.members.remove(old);
        self.timers.forget(old);
        if let Some(target) = self.targets.remove(old) {
            self.targets.insert(new.to_owned(), target);
        }
    }

    /// Lets a new target be made, though nothing has changed.
    pub(crate) fn force_rebalance(&mut self) {
        if !self.is_empty() {
            self.epoch += 1;
            self.dirty = true;
        }
    }

    /// When [`tick`](Self::tick) is next due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Removes those who were not heard of, or did not give up in time what
    /// they were told to.
    pub(crate) fn tick(&mut self, now: Instant) {
        let over = self.timers.over(now);
        for member in &over {
            tracing::info!(group = &*self.id, member, "a member's time is over");
        }
        self.remove(over);
    }
}

/// A member that is not sure of its answers sends everything, to be told
/// everything.
fn is_full(request: &ConsumerGroupHeartbeatRequest) -> bool {
    let subscribes =
        request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
    request.member_epoch == JOINING
        || (request.rebalance_timeout_ms != -1 && subscribes && request.topic_partitions.is_some())
}

/// A member's id, for a client that leaves the choice to the broker.
pub(super) fn new_member_id() -> String {
    Uuid::new_v4().simple().to_string()
}
