use std::time::Duration;

use super::consumer::Timing;

/// The limits of groups, under Apache Kafka's names and with its defaults.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `group.initial.rebalance.delay.ms`.
    pub(crate) initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub(crate) min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub(crate) max_session_timeout: Duration,
    /// `group.max.size`, in members.
    pub(crate) max_size: usize,
    /// Groups that have members or a state at a time; Apache Kafka has no such
    /// limit. A client may invent as many ids as it likes.
    pub(crate) max_groups: usize,
    /// Sessions and heartbeats of the consumer protocol.
    pub(crate) consumer: Timing,
    /// How long a member that joins for the first time may wait for its
    /// answer before it is given up; not a setting in Apache Kafka either.
    pub(crate) new_member_join_timeout: Duration,
    /// `offset.metadata.max.bytes`, counted in UTF-16 units as Java does.
    pub(crate) offset_metadata_max: usize,
    /// `offsets.retention.minutes`.
    pub(crate) offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub(crate) offsets_retention_check: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_secs(30 * 60),
            max_size: i32::MAX as usize,
            max_groups: 20_000,
            consumer: Timing::default(),
            new_member_join_timeout: Duration::from_secs(5 * 60),
            offset_metadata_max: 4096,
            offsets_retention: Duration::from_secs(7 * 24 * 3600),
            offsets_retention_check: Duration::from_secs(600),
        }
    }
}
