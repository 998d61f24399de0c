//! The settings that the broker has beside those that stand in for topics'.

use super::value::{Kind, Rule};

/// A setting of the broker that no topic has.
#[derive(Debug)]
pub(crate) struct BrokerSetting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
    pub(crate) default: Option<&'static str>,
    /// Whether it can be changed while the broker runs.
    pub(crate) dynamic: bool,
    pub(crate) doc: &'static str,
}

/// The setting of this name.
pub(crate) fn broker_setting(name: &str) -> Option<&'static BrokerSetting> {
    BROKER.iter().find(|setting| setting.name == name)
}

const fn setting(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> BrokerSetting {
    BrokerSetting {
        name,
        kind,
        rule: Rule::Any,
        default,
        dynamic: false,
        doc,
    }
}

/// All of them, by name.
pub(crate) static BROKER: &[BrokerSetting] = &[
    setting(
        "advertised.listeners",
        Kind::String,
        None,
        "The address that clients are told to connect to.",
    ),
    setting(
        "auto.create.topics.enable",
        Kind::Boolean,
        Some("true"),
        "Whether asking for an unknown topic makes it.",
    ),
    setting("broker.id", Kind::Int, None, "The broker's number."),
    setting(
        "default.replication.factor",
        Kind::Int,
        Some("1"),
        "Replicas of a topic whose creator names no number. There is one.",
    ),
    setting(
        "delete.topic.enable",
        Kind::Boolean,
        Some("true"),
        "Whether topics can be deleted.",
    ),
    setting(
        "group.consumer.heartbeat.interval.ms",
        Kind::Int,
        Some("5000"),
        "How often members of the consumer protocol send heartbeats, in ms.",
    ),
    setting(
        "group.consumer.session.timeout.ms",
        Kind::Int,
        Some("45000"),
        "When a silent member of the consumer protocol is removed, in ms.",
    ),
    setting(
        "group.initial.rebalance.delay.ms",
        Kind::Int,
        Some("3000"),
        "How long an empty group's first rebalance waits for more members, in ms.",
    ),
    setting(
        "group.min.session.timeout.ms",
        Kind::Int,
        Some("6000"),
        "The shortest session that a member may ask for, in ms.",
    ),
    setting(
        "listeners",
        Kind::String,
        None,
        "The address that is listened on.",
    ),
    setting(
        "log.cleaner.enable",
        Kind::Boolean,
        Some("true"),
        "Whether compacted topics are compacted.",
    ),
    setting(
        "log.dirs",
        Kind::String,
        None,
        "Where the data is kept; empty in memory.",
    ),
    setting(
        "log.retention.check.interval.ms",
        Kind::Long,
        Some("300000"),
        "How often old records are looked for, in ms.",
    ),
    setting(
        "max.connections",
        Kind::Int,
        Some("2147483647"),
        "Connections at a time.",
    ),
    setting("node.id", Kind::Int, None, "The broker's number."),
    setting(
        "num.partitions",
        Kind::Int,
        Some("1"),
        "Partitions of a topic whose creator names no number.",
    ),
    setting(
        "process.roles",
        Kind::String,
        None,
        "What the one node does.",
    ),
    BrokerSetting {
        rule: Rule::AtLeast(1),
        dynamic: true,
        ..setting(
            "producer.id.expiration.ms",
            Kind::Int,
            Some("86400000"),
            "How long an idle producer's sequence numbers are remembered, in ms.",
        )
    },
    setting(
        "socket.request.max.bytes",
        Kind::Int,
        Some("104857600"),
        "The largest request, in bytes.",
    ),
    setting(
        "transaction.max.timeout.ms",
        Kind::Int,
        Some("900000"),
        "The longest timeout that a transaction may ask for, in ms.",
    ),
];
