use std::collections::BTreeSet;

use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;
use serde::{Deserialize, Serialize};

use super::Partitions;
use crate::groups::Client;

/// The epoch in which a member asks to join, and says that it holds nothing.
pub(super) const JOINING: i32 = 0;
/// The epoch of a member that leaves.
pub(super) const LEAVING: i32 = -1;
/// The epoch of a static member that leaves and will be back: what it holds
/// stays its own until its session ends.
pub(super) const LEAVING_FOR_A_WHILE: i32 = -2;

/// How far a member has come on its way to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MemberState {
    /// It has all that its epoch's target gives it.
    Stable,
    /// It was told to give up partitions and has not said yet that it did.
    Revoking,
    /// Some of its partitions are still held by others.
    Waiting,
}

/// A member of a group, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) rack_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    /// How long it may take to give up partitions, in ms.
    pub(super) rebalance_timeout_ms: i32,
    pub(super) topic_names: BTreeSet<String>,
    /// Never empty: that is no expression.
    pub(super) topic_regex: Option<String>,
    /// The assignor it prefers.
    pub(super) assignor: Option<String>,
    pub(super) epoch: i32,
    /// The one before: its answer may have been lost.
    pub(super) previous_epoch: i32,
    pub(super) state: MemberState,
    /// What it may hold.
    pub(super) assigned: Partitions,
    /// What it must give up, and may still hold.
    pub(super) revoking: Partitions,
}

impl Member {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            instance_id: None,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            rebalance_timeout_ms: -1,
            topic_names: BTreeSet::new(),
            topic_regex: None,
            assignor: None,
            epoch: JOINING,
            previous_epoch: JOINING,
            state: MemberState::Stable,
            assigned: Partitions::default(),
            revoking: Partitions::default(),
        }
    }

    /// The same static member after a restart of its process: it has another
    /// id, and what it had.
    pub(super) fn returned(&self, id: String) -> Self {
        Self {
            id,
            epoch: JOINING,
            previous_epoch: JOINING,
            ..self.clone()
        }
    }

    /// Takes over what a heartbeat says of the member. What it leaves out is
    /// as it was.
    pub(super) fn update(&mut self, client: &Client, request: &ConsumerGroupHeartbeatRequest) {
        if let Some(instance) = &request.instance_id {
            self.instance_id = Some(instance.to_string());
        }
        if let Some(rack) = &request.rack_id {
            self.rack_id = Some(rack.to_string());
        }
        if request.rebalance_timeout_ms != -1 {
            self.rebalance_timeout_ms = request.rebalance_timeout_ms;
        }
        if let Some(names) = &request.subscribed_topic_names {
            self.topic_names = names.iter().map(|name| name.to_string()).collect();
        }
        if let Some(regex) = &request.subscribed_topic_regex {
            self.topic_regex = Some(regex.to_string()).filter(|regex| !regex.is_empty());
        }
        if let Some(assignor) = &request.server_assignor {
            self.assignor = Some(assignor.to_string());
        }
        self.client_id = client.id.to_string();
        self.client_host.clone_from(&client.host);
    }

    pub(super) fn enter(&mut self, epoch: i32) {
        self.previous_epoch = self.epoch;
        self.epoch = epoch;
    }

    pub(super) fn has_reached(&self, target_epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == target_epoch
    }

    pub(super) fn subscription_differs(&self, other: &Self) -> bool {
        self.topic_names != other.topic_names || self.topic_regex != other.topic_regex
    }
}
