use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::group::ConsumerGroup;
use super::member::Member;
use super::partitions::Partitions;
use super::subscriptions::{Shape, Subscriptions};
use super::timers::{Timers, Timing};

/// A group as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredConsumer {
    epoch: i32,
    target_epoch: i32,
    members: Vec<Member>,
    targets: BTreeMap<String, Partitions>,
    topics: BTreeMap<String, Shape>,
}

impl StoredConsumer {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl ConsumerGroup {
    /// What is to be stored, if something has changed since the last time.
    pub(crate) fn unsaved(&mut self) -> Option<StoredConsumer> {
        std::mem::take(&mut self.dirty).then(|| self.stored())
    }

    /// The outcome of storing what was [unsaved](Self::unsaved).
    pub(crate) fn saved(&mut self, done: bool) {
        self.dirty |= !done;
    }

    pub(crate) fn stored(&self) -> StoredConsumer {
        StoredConsumer {
            epoch: self.epoch,
            target_epoch: self.target_epoch,
            members: self.members.values().cloned().collect(),
            targets: self.targets.clone(),
            topics: self.subscriptions.topics.clone(),
        }
    }

    /// The group as it was; all members have a whole session to be heard of.
    pub(crate) fn restore(
        id: Arc<str>,
        timing: Timing,
        stored: StoredConsumer,
        now: Instant,
    ) -> Self {
        let mut timers = Timers::default();
        let mut subscriptions = Subscriptions::restored(stored.topics);
        for member in &stored.members {
            timers.heard_of(&member.id, now + timing.session_timeout);
            timers.moved(member, now);
            if let Err(reason) = subscriptions.learn(member) {
                // It was valid when it came; another version of the broker
                // may think so still.
                tracing::warn!(group = &*id, member = member.id, %reason, "a stored subscription is ignored");
            }
        }
        let members = stored.members.into_iter();
        Self {
            id,
            timing,
            epoch: stored.epoch,
            target_epoch: stored.target_epoch,
            members: members.map(|member| (member.id.clone(), member)).collect(),
            targets: stored.targets,
            subscriptions,
            timers,
            dirty: false,
        }
    }
}
