use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_groups_response::ListedGroup;

use super::CommittedOffset;
use super::classic::ClassicGroup;
use super::command::CommitClaim;
use super::consumer::ConsumerGroup;
use super::coordinator::Shared;
use super::stored::StoredGroup;

/// Which protocol a group follows. A group that was never joined, or has been
/// deleted, is an unused classic one.
#[derive(Debug)]
pub(super) enum Kind {
    /// Boxed as it is the larger one.
    Classic(Box<ClassicGroup>),
    Consumer(ConsumerGroup),
}

impl Kind {
    pub(super) fn unused(id: &Arc<str>, shared: &Shared) -> Self {
        Self::Classic(Box::new(ClassicGroup::new(
            Arc::clone(id),
            Arc::clone(&shared.settings),
        )))
    }

    pub(super) fn restore(
        id: &Arc<str>,
        stored: StoredGroup,
        shared: &Shared,
        now: Instant,
    ) -> Self {
        let (id, settings) = (Arc::clone(id), Arc::clone(&shared.settings));
        match stored {
            StoredGroup::Classic(stored) => {
                Self::Classic(Box::new(ClassicGroup::restore(id, settings, stored, now)))
            }
            StoredGroup::Consumer(stored) => {
                Self::Consumer(ConsumerGroup::restore(id, settings.consumer, stored, now))
            }
        }
    }

    pub(super) fn stored(&self) -> Option<StoredGroup> {
        match self {
            Self::Classic(group) => group.stored().map(StoredGroup::Classic),
            Self::Consumer(group) => Some(StoredGroup::Consumer(group.stored())),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Classic(group) => group.next_deadline(),
            Self::Consumer(group) => group.next_deadline(),
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        match self {
            Self::Classic(group) => group.tick(now),
            Self::Consumer(group) => group.tick(now),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_idle(),
            Self::Consumer(group) => group.is_empty(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_empty(),
            Self::Consumer(group) => group.is_empty(),
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_unused(),
            // It is one only since somebody joined.
            Self::Consumer(_) => false,
        }
    }

    pub(super) fn is_subscribed(&self, topic: &str) -> bool {
        match self {
            Self::Classic(group) => group.is_subscribed(topic),
            Self::Consumer(group) => group.is_subscribed(topic),
        }
    }

    pub(super) fn check_commit(&self, claim: &CommitClaim) -> Result<(), ResponseError> {
        match self {
            Self::Classic(group) => group.check_commit(claim),
            Self::Consumer(group) => group.check_commit(claim),
        }
    }

    pub(super) fn committed(&mut self, claim: &CommitClaim, now: Instant) {
        match self {
            Self::Classic(group) => group.committed(claim, now),
            // Only heartbeats keep a session.
            Self::Consumer(_) => {}
        }
    }

    pub(super) fn check_delete_offsets(&self) -> Result<(), ResponseError> {
        match self {
            Self::Classic(group) => group.check_delete_offsets(),
            Self::Consumer(_) => Ok(()),
        }
    }

    pub(super) fn unused_since(&self, topic: &str, offset: &CommittedOffset) -> Option<i64> {
        match self {
            Self::Classic(group) => group.unused_since(topic, offset),
            Self::Consumer(group) => group.unused_since(topic, offset),
        }
    }

    pub(super) fn force_rebalance(&mut self, now: Instant) {
        match self {
            Self::Classic(group) => group.force_rebalance(now),
            Self::Consumer(group) => group.force_rebalance(),
        }
    }

    pub(super) fn listed(&self) -> ListedGroup {
        match self {
            Self::Classic(group) => group.listed(),
            Self::Consumer(group) => group.listed(),
        }
    }
}
