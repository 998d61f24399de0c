use kafka_protocol::ResponseError;
use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;
use kafka_protocol::protocol::StrBytes;

use super::Refused;
use super::assignor::Assignor;
use super::member::{JOINING, LEAVING, LEAVING_FOR_A_WHILE};

/// From this version on clients choose their ids themselves.
const CLIENT_CHOOSES_ID: i16 = 1;

/// Checks of a heartbeat what can be told without its group.
///
/// # Errors
/// The request makes no sense, or asks for an assignor that is not there.
pub(crate) fn validate(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
) -> Result<(), Refused> {
    let epoch = request.member_epoch;
    if version >= CLIENT_CHOOSES_ID || epoch > JOINING || epoch == LEAVING {
        not_blank(Some(&request.member_id), "MemberId can't be empty.")?;
    }
    not_blank(Some(&request.group_id.0), "GroupId can't be empty.")?;
    not_blank(request.instance_id.as_ref(), "InstanceId can't be empty.")?;
    not_blank(request.rack_id.as_ref(), "RackId can't be empty.")?;
    match epoch {
        JOINING => {
            if request.rebalance_timeout_ms == -1 {
                return Err(Refused::invalid(
                    "RebalanceTimeoutMs must be provided in first request.",
                ));
            }
            if request
                .topic_partitions
                .as_ref()
                .is_none_or(|owned| !owned.is_empty())
            {
                return Err(Refused::invalid(
                    "TopicPartitions must be empty when (re-)joining.",
                ));
            }
            if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none()
            {
                return Err(Refused::invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
                     (re-)joining.",
                ));
            }
        }
        LEAVING_FOR_A_WHILE if request.instance_id.is_none() => {
            return Err(Refused::invalid("InstanceId can't be null."));
        }
        epoch if epoch < LEAVING_FOR_A_WHILE => {
            return Err(Refused::invalid("MemberEpoch is invalid."));
        }
        _ => {}
    }
    match &request.server_assignor {
        Some(name) if Assignor::by_name(name).is_none() => {
            let known = Assignor::ALL.map(Assignor::name).join(", ");
            Err(Refused::new(
                ResponseError::UnsupportedAssignor,
                format!("ServerAssignor {name} is not supported. Supported assignors: {known}."),
            ))
        }
        _ => Ok(()),
    }
}

/// Absent is fine.
fn not_blank(value: Option<&StrBytes>, message: &str) -> Result<(), Refused> {
    match value {
        Some(value) if value.trim().is_empty() => Err(Refused::invalid(message)),
        _ => Ok(()),
    }
}
