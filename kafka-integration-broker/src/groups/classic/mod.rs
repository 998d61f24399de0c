//! The protocol of JoinGroup, SyncGroup and Heartbeat, in which a member, the
//! leader, assigns the partitions.
//!
//! [`ClassicGroup`] is a state machine that is told the time. What takes until
//! others have come, a join or a sync, is answered through the [`Reply`] that
//! the member holds. What has to be stored before it is answered waits in
//! [`ClassicGroup::unsaved`] until [`ClassicGroup::saved`] is called; whoever
//! drives the machine calls nothing else between the two.

mod commit;
mod describe;
mod join;
mod leave;
mod member;
mod rebalance;
mod save;
mod state;
mod static_member;
mod stored;
mod sync;
#[cfg(test)]
mod tests;

pub(super) use self::join::refused;
pub(super) use self::state::ClassicGroup;
pub(super) use self::stored::StoredClassic;

use super::command::Reply;
