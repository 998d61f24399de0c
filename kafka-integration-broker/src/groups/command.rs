use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup as DescribedConsumerGroup;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

use super::consumer::Refused;
use super::{CommittedOffset, TopicPartition};
use crate::core::RequestContext;
use crate::store::Changes;

/// Where an answer goes. A receiver that is gone is a client that is gone.
pub(super) type Reply<T> = oneshot::Sender<T>;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: StrBytes,
    /// As Apache Kafka writes it: `/127.0.0.1`.
    pub(crate) host: String,
    /// The version of the request.
    pub(crate) version: i16,
}

impl Client {
    pub(crate) fn of(cx: &RequestContext) -> Self {
        Self {
            id: cx.client_id.clone(),
            host: format!("/{}", cx.peer.ip()),
            version: cx.version,
        }
    }
}

/// Whom a commit of offsets says it comes from.
#[derive(Debug, Clone)]
pub(crate) struct CommitClaim {
    pub(crate) member_id: StrBytes,
    pub(crate) instance_id: Option<StrBytes>,
    /// The generation, or the member's epoch in the newer protocol; -1 from
    /// those that are no members.
    pub(crate) generation: i32,
    /// The version of OffsetCommit; irrelevant when `transactional`.
    pub(crate) version: i16,
    pub(crate) transactional: bool,
}

/// What a group's task is asked.
#[derive(Debug)]
pub(super) enum Command {
    Join {
        client: Client,
        request: JoinGroupRequest,
        reply: Reply<JoinGroupResponse>,
    },
    Sync {
        request: SyncGroupRequest,
        reply: Reply<SyncGroupResponse>,
    },
    Heartbeat {
        request: HeartbeatRequest,
        reply: Reply<Result<(), ResponseError>>,
    },
    Leave {
        request: LeaveGroupRequest,
        reply: Reply<LeaveGroupResponse>,
    },
    ConsumerHeartbeat {
        client: Client,
        request: ConsumerGroupHeartbeatRequest,
        reply: Reply<Result<ConsumerGroupHeartbeatResponse, Refused>>,
    },
    ConsumerDescribe {
        version: i16,
        reply: Reply<Result<DescribedConsumerGroup, Refused>>,
    },
    /// Whether the sender may fetch offsets.
    CheckFetch {
        member_id: Option<StrBytes>,
        member_epoch: i32,
        reply: Reply<Result<(), ResponseError>>,
    },
    /// Stores offsets, if the sender may.
    Commit {
        claim: CommitClaim,
        offsets: Vec<(TopicPartition, CommittedOffset)>,
        reply: Reply<Result<(), ResponseError>>,
    },
    /// Makes changes of a transaction, if the sender may commit.
    CommitInTransaction {
        claim: CommitClaim,
        changes: Changes,
        reply: Reply<Result<(), ResponseError>>,
    },
    /// `None` when this is no classic group, or none at all.
    Describe {
        reply: Reply<Option<DescribedGroup>>,
    },
    List {
        reply: Reply<Option<ListedGroup>>,
    },
    Delete {
        reply: Reply<Result<(), ResponseError>>,
    },
    /// Removes the offsets of those partitions whose topic nobody in the group
    /// reads; the answer tells for each whether it was.
    DeleteOffsets {
        partitions: Vec<TopicPartition>,
        reply: Reply<Result<Vec<Result<(), ResponseError>>, ResponseError>>,
    },
    /// Members must join again.
    ForceRebalance {
        reply: Reply<()>,
    },
    /// Drops what is older than the retention.
    Expire {
        now_ms: i64,
        reply: Reply<()>,
    },
}
