//! One module per API: a request in, a response out.
//!
//! A handler is `async fn handle(cx: &RequestContext, request: R) -> Result<Response, Stop>`.
//! An error of the protocol is part of the response; [`Stop`] is for what the
//! protocol answers with silence or by hanging up.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod admin;
mod alter_configs;
mod api_versions;
mod config_resource;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_producers;
mod describe_topic_partitions;
mod describe_transactions;
mod dispatch;
mod end_txn;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod list_transactions;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod operations;
mod produce;
mod produce_transactions;
mod sync_group;
mod txn_offset_commit;

pub(crate) use self::api_versions::too_new as api_versions_too_new;
pub(crate) use self::dispatch::{answer, dispatch};
pub(crate) use self::metadata::refuse as metadata_refused;

use kafka_protocol::ResponseError;
use tokio_util::sync::CancellationToken;

use crate::log::LEADER_EPOCH;

/// No response is sent.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client asked for none.
    Silent,
    /// The connection ends; the text says why, for the log.
    Close(String),
    /// Nothing more is said, until this is cancelled: a fault on purpose.
    Mute(CancellationToken),
}

/// Whether a client that knows this leader epoch knows the leader; -1 knows
/// none and may ask all the same.
fn leader_epoch_problem(known: i32) -> Option<ResponseError> {
    match known {
        -1 | LEADER_EPOCH => None,
        newer if newer > LEADER_EPOCH => Some(ResponseError::UnknownLeaderEpoch),
        _ => Some(ResponseError::FencedLeaderEpoch),
    }
}

/// `PRODUCER_FENCED` as this version's clients know it: those before `knows`
/// only have `INVALID_PRODUCER_EPOCH`, and take the other for unknown.
fn fenced_for(version: i16, knows: i16, error: ResponseError) -> ResponseError {
    match error {
        ResponseError::ProducerFenced if version < knows => ResponseError::InvalidProducerEpoch,
        other => other,
    }
}

/// A protocol error's number, for a response's field.
pub(crate) trait Code {
    fn number(self) -> i16;
}

impl Code for ResponseError {
    fn number(self) -> i16 {
        self.code()
    }
}

impl Code for Option<ResponseError> {
    fn number(self) -> i16 {
        self.map_or(0, |error| error.code())
    }
}
