//! Who may commit offsets, and until when they are kept.

use std::time::Instant;

use kafka_protocol::ResponseError;

use super::ClassicGroup;
use super::state::State;
use crate::groups::CommittedOffset;
use crate::groups::command::CommitClaim;

impl ClassicGroup {
    /// Whether the sender may commit.
    pub(in crate::groups) fn check_commit(&self, claim: &CommitClaim) -> Result<(), ResponseError> {
        let empty = self.state == State::Empty;
        if claim.generation < 0 && empty {
            return Ok(());
        }
        let names_itself =
            claim.generation >= 0 || !claim.member_id.is_empty() || claim.instance_id.is_some();
        if names_itself {
            self.check_member(&claim.member_id, claim.instance_id.as_deref())?;
            if claim.generation != self.generation {
                return Err(ResponseError::IllegalGeneration);
            }
        } else if !claim.transactional && !empty {
            return Err(ResponseError::UnknownMemberId);
        }
        if !claim.transactional && self.state == State::CompletingRebalance {
            return Err(ResponseError::RebalanceInProgress);
        }
        Ok(())
    }

    /// A commit is a sign of life.
    pub(in crate::groups) fn committed(&mut self, claim: &CommitClaim, now: Instant) {
        if matches!(self.state, State::Stable | State::PreparingRebalance) {
            self.renew(&claim.member_id, now);
        }
    }

    /// Whether anybody in the group could be reading anything, of which the
    /// coordinator can't know what it is.
    pub(in crate::groups) fn check_delete_offsets(&self) -> Result<(), ResponseError> {
        if self.state == State::Empty || self.uses_consumer_protocol() {
            Ok(())
        } else {
            Err(ResponseError::NonEmptyGroup)
        }
    }

    /// Since when an offset has been of no use, in ms since 1970; `None` while
    /// it is in use.
    pub(in crate::groups) fn unused_since(
        &self,
        topic: &str,
        offset: &CommittedOffset,
    ) -> Option<i64> {
        if self.protocol_type.is_none() {
            return Some(offset.timestamp);
        }
        match self.state {
            State::Empty => Some(self.state_since),
            State::Stable if self.uses_consumer_protocol() => {
                (!self.is_subscribed(topic)).then_some(offset.timestamp)
            }
            _ => None,
        }
    }
}
