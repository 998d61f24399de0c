//! One module per API: a request in, a response out.
//!
//! A handler is `async fn handle(cx: &RequestContext, request: R) -> Result<Response, Stop>`.
//! An error of the protocol is part of the response; [`Stop`] is for what the
//! protocol answers with silence or by hanging up.

mod api_versions;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod delete_groups;
mod describe_groups;
mod dispatch;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod operations;
mod produce;
mod sync_group;

pub(crate) use self::dispatch::{decode, dispatch, encode};

use kafka_protocol::ResponseError;

use crate::log::LEADER_EPOCH;

/// No response is sent.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client asked for none.
    Silent,
    /// The connection ends; the text says why, for the log.
    Close(String),
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
