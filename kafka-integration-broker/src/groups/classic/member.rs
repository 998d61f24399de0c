use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};

use super::Reply;

/// A protocol that a member can follow, with what it tells the leader then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protocol {
    pub(super) name: String,
    pub(super) metadata: Bytes,
}

/// One member of a group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) rebalance_timeout: Duration,
    pub(super) session_timeout: Duration,
    /// In the order the member prefers them.
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// It has not had an answer to its first join, and so can't be heard of.
    pub(super) is_new: bool,
    /// When it is given up, unless something is heard of it. `None` once that
    /// moment went by while the member waited for the group.
    pub(super) deadline: Option<Instant>,
    pub(super) joining: Option<Reply<JoinGroupResponse>>,
    pub(super) syncing: Option<Reply<SyncGroupResponse>>,
}

impl Member {
    /// What it tells the leader under a protocol; nothing under one that it
    /// doesn't know.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|known| known.name == protocol)
            .map(|known| known.metadata.clone())
            .unwrap_or_default()
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|known| known.name == protocol)
    }

    /// Begins the session anew.
    pub(super) fn renew(&mut self, now: Instant) {
        self.deadline = Some(now + self.session_timeout);
    }

    /// Whether the group, not the member, is what is being waited for. One
    /// that never had an answer may have hung up long ago.
    pub(super) fn is_excused(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    /// Answers a join that waits, if there is one.
    pub(super) fn answer_join(&mut self, response: JoinGroupResponse) {
        if let Some(reply) = self.joining.take() {
            // A client that hung up needs no answer.
            let _ = reply.send(response);
        }
    }

    /// Answers a sync that waits; tells whether there was one.
    pub(super) fn answer_sync(&mut self, response: SyncGroupResponse) -> bool {
        match self.syncing.take() {
            Some(reply) => {
                let _ = reply.send(response);
                true
            }
            None => false,
        }
    }
}

/// Copied: a slice of the request would keep all of it in memory.
pub(super) fn protocols(requested: &[JoinGroupRequestProtocol]) -> Vec<Protocol> {
    let copy = |protocol: &JoinGroupRequestProtocol| Protocol {
        name: protocol.name.to_string(),
        metadata: Bytes::copy_from_slice(&protocol.metadata),
    };
    requested.iter().map(copy).collect()
}

/// A timeout from a request; a negative one is none.
pub(super) fn timeout(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
