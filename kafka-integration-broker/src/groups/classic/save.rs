//! What waits until it is stored.

use std::time::Instant;

use kafka_protocol::ResponseError;

use super::state::State;
use super::static_member::Replacement;
use super::{ClassicGroup, StoredClassic};

/// A change that is made, but not yet told.
#[derive(Debug)]
pub(super) enum Unsaved {
    /// The leader's assignment has come.
    Assigned,
    /// The last member is gone.
    Emptied,
    /// A static member has a new id.
    Replaced(Replacement),
}

impl ClassicGroup {
    /// What must be stored before anything else happens.
    pub(in crate::groups) fn unsaved(&self) -> Option<StoredClassic> {
        self.unsaved.as_ref()?;
        self.stored()
    }

    /// Goes on after storing, or after failing to.
    pub(in crate::groups) fn saved(&mut self, done: bool, now: Instant) {
        self.is_kept |= done;
        match (self.unsaved.take(), done) {
            (Some(Unsaved::Assigned), true) => {
                self.answer_syncs(now);
                self.enter(State::Stable);
            }
            (Some(Unsaved::Assigned), false) => {
                self.fail_syncs(ResponseError::CoordinatorNotAvailable, now);
                self.prepare_rebalance("the assignment could not be stored", now);
            }
            (Some(Unsaved::Replaced(replacement)), true) => self.replaced(&replacement),
            (Some(Unsaved::Replaced(replacement)), false) => self.not_replaced(replacement, now),
            // Should the broker end now, the stored generation comes back, and
            // its members' sessions end: no harm.
            (Some(Unsaved::Emptied) | None, _) => {}
        }
    }
}
