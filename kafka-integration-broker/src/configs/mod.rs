//! Settings of topics, and of the broker where topics inherit from it.
//!
//! Where this is not Apache Kafka 4.1:
//! - Topics have all of its settings. Those about segments, flushing, replicas
//!   and tiers are kept and shown, and do nothing.
//! - The broker has those that topics inherit, and a few more. To set another
//!   is INVALID_CONFIG; Apache Kafka keeps whatever it doesn't know.
//! - There are no settings of groups, client metrics and loggers.
//! - `min.insync.replicas` has no dynamic default, which Apache Kafka sets
//!   itself on the cluster.

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
