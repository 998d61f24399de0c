//! Settings of topics, and of the broker where topics inherit from it.

mod broker_config;
mod broker_settings;
mod describe;
mod edit;
mod topic_config;
mod topic_settings;
mod value;

pub(crate) use self::broker_config::BrokerConfig;
pub(crate) use self::describe::{Described, describe_broker, describe_topic};
pub(crate) use self::edit::{
    Action, ConfigProblem, Edit, Operation, Overrides, Scope, check_topic,
};
pub(crate) use self::topic_config::{TimestampType, TopicConfig};
