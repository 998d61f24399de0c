//! Short forms of the messages' types.

use kafka_protocol::messages::{GroupId, TopicName, TransactionalId};
use kafka_protocol::protocol::StrBytes;

pub fn text(value: impl Into<String>) -> StrBytes {
    StrBytes::from_string(value.into())
}

pub fn topic_name(value: impl Into<String>) -> TopicName {
    TopicName(text(value))
}

pub fn transactional_id(value: impl Into<String>) -> TransactionalId {
    TransactionalId(text(value))
}

pub fn group_id(value: impl Into<String>) -> GroupId {
    GroupId(text(value))
}
