//! A group as it is stored.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ClassicGroup;
use super::member::{Member, Protocol};
use super::state::State;
use crate::groups::Settings;
use crate::groups::stored::hex;

/// A generation that the leader has assigned, or the last one's number and
/// nobody in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::groups) struct StoredClassic {
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    /// Since when it is so, in ms since 1970.
    since: i64,
    pub(in crate::groups) members: Vec<StoredMember>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::groups) struct StoredMember {
    id: String,
    instance_id: Option<String>,
    client_id: String,
    client_host: String,
    rebalance_timeout_ms: u32,
    session_timeout_ms: u32,
    protocols: Vec<StoredProtocol>,
    #[serde(with = "hex")]
    assignment: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredProtocol {
    name: String,
    #[serde(with = "hex")]
    metadata: Bytes,
}

/// Timeouts come as 31 bits.
fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl ClassicGroup {
    /// The group as it is stored; `None` when there is nothing to store.
    pub(in crate::groups) fn stored(&self) -> Option<StoredClassic> {
        (self.is_kept || self.protocol_type.is_some()).then(|| StoredClassic {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            since: self.state_since,
            members: self.members.iter().map(store_member).collect(),
        })
    }

    /// The group as it was stored. Every member's session begins anew.
    pub(in crate::groups) fn restore(
        id: Arc<str>,
        settings: Arc<Settings>,
        stored: StoredClassic,
        now: Instant,
    ) -> Self {
        let mut group = Self::new(id, settings);
        group.is_kept = true;
        group.generation = stored.generation;
        group.protocol_type = stored.protocol_type;
        group.protocol = stored.protocol;
        for stored in stored.members {
            let (id, member) = restore_member(stored, now);
            if let Some(instance_id) = &member.instance_id {
                group.instances.insert(instance_id.clone(), id.clone());
            }
            group.members.insert(id, member);
        }
        group.leader = stored
            .leader
            .filter(|leader| group.members.contains_key(leader))
            .or_else(|| group.members.keys().next().cloned());
        group.subscribed = group.compute_subscribed();
        if !group.members.is_empty() {
            group.state = State::Stable;
        }
        group.state_since = stored.since;
        group
    }
}

fn store_member((id, member): (&String, &Member)) -> StoredMember {
    let store = |protocol: &Protocol| StoredProtocol {
        name: protocol.name.clone(),
        metadata: protocol.metadata.clone(),
    };
    StoredMember {
        id: id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        rebalance_timeout_ms: ms(member.rebalance_timeout),
        session_timeout_ms: ms(member.session_timeout),
        protocols: member.protocols.iter().map(store).collect(),
        assignment: member.assignment.clone(),
    }
}

fn restore_member(stored: StoredMember, now: Instant) -> (String, Member) {
    let restore = |protocol: StoredProtocol| Protocol {
        name: protocol.name,
        metadata: protocol.metadata,
    };
    let mut member = Member {
        instance_id: stored.instance_id,
        client_id: stored.client_id,
        client_host: stored.client_host,
        rebalance_timeout: Duration::from_millis(stored.rebalance_timeout_ms.into()),
        session_timeout: Duration::from_millis(stored.session_timeout_ms.into()),
        protocols: stored.protocols.into_iter().map(restore).collect(),
        assignment: stored.assignment,
        is_new: false,
        deadline: None,
        joining: None,
        syncing: None,
    };
    member.renew(now);
    (stored.id, member)
}
