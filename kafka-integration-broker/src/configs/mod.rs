//! Settings of topics, and of the broker where topics inherit from it.

mod topic_config;

pub(crate) use self::topic_config::{CleanupPolicy, TimestampType, TopicConfig};
