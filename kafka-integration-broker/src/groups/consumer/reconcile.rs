//! One step of a member towards its target.
//!
//! A partition goes from one member to another only through the first one's
//! own word that it gave it up, so that two never hold it at a time.

use super::member::{Member, MemberState};
use super::partitions::Partitions;

/// Where the members of a group are to get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) epoch: i32,
    pub(super) partitions: &'a Partitions,
}

/// Moves `member` on, as far as it can get now. `owned` is what it says it
/// holds; `None` says that nothing changed. `taken` are the partitions that
/// any member may hold, this one included.
pub(super) fn reconcile(
    member: &mut Member,
    target: Target<'_>,
    owned: Option<&Partitions>,
    taken: impl Fn() -> Partitions,
) {
    if member.has_reached(target.epoch) {
        return;
    }
    let epoch = match member.state {
        MemberState::Stable | MemberState::Waiting => member.epoch,
        MemberState::Revoking if may_hold(owned, &member.revoking) => return,
        MemberState::Revoking => member.epoch + 1,
    };
    let (mut kept, surplus) = member.assigned.split_by(target.partitions);
    if !surplus.is_empty() && may_hold(owned, &surplus) {
        member.enter(epoch);
        member.state = MemberState::Revoking;
        member.assigned = kept;
        member.revoking = surplus;
        return;
    }
    let (_, missing) = target.partitions.split_by(&kept);
    let (held, free) = missing.split_by(&taken());
    kept.extend(free.iter());
    member.enter(target.epoch);
    member.state = if held.is_empty() {
        MemberState::Stable
    } else {
        MemberState::Waiting
    };
    member.assigned = kept;
    member.revoking = Partitions::default();
}

/// Who doesn't say what it holds may hold all it had.
fn may_hold(owned: Option<&Partitions>, partitions: &Partitions) -> bool {
    owned.is_none_or(|owned| owned.intersects(partitions))
}
