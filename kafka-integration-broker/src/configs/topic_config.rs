use super::value::elements;
use super::{BrokerConfig, Overrides};
use crate::records::Codec;

/// What happens to old records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CleanupPolicy {
    pub(crate) delete: bool,
    pub(crate) compact: bool,
}

/// Whose clock a record's timestamp comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// The settings of one topic that are in force: its own over the broker's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopicConfig {
    /// What was set on the topic itself, as it was written.
    pub(crate) overrides: Overrides,
    pub(crate) cleanup_policy: CleanupPolicy,
    /// `retention.ms`; `None` keeps for ever.
    pub(crate) retention_ms: Option<i64>,
    /// `retention.bytes` per partition; `None` sets no limit.
    pub(crate) retention_bytes: Option<i64>,
    /// `max.message.bytes`: the largest batch, header included.
    pub(crate) max_message_bytes: i32,
    pub(crate) timestamp_type: TimestampType,
    /// `compression.type`; `None` leaves it to the producer.
    pub(crate) compression: Option<Codec>,
    /// `message.timestamp.before.max.ms`: how far back a timestamp may lie.
    pub(crate) timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead a timestamp may lie.
    pub(crate) timestamp_after_max_ms: i64,
    /// `delete.retention.ms`: how long a tombstone stays in a compacted topic.
    pub(crate) delete_retention_ms: i64,
    /// `min.compaction.lag.ms`.
    pub(crate) min_compaction_lag_ms: i64,
    /// `min.cleanable.dirty.ratio`, from 0 to 1.
    pub(crate) min_cleanable_ratio: f64,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            overrides: Overrides::new(),
            cleanup_policy: CleanupPolicy {
                delete: true,
                compact: false,
            },
            retention_ms: Some(7 * 24 * 3_600_000),
            retention_bytes: None,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            compression: None,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            delete_retention_ms: 24 * 3_600_000,
            min_compaction_lag_ms: 0,
            min_cleanable_ratio: 0.5,
        }
    }
}

impl TopicConfig {
    /// What is in force when `overrides` is set on a topic of this broker.
    ///
    /// Names and values were checked when they were set; one that no longer
    /// makes sense, from another version of this crate, is ignored.
    pub(crate) fn resolve(overrides: Overrides, broker: &BrokerConfig) -> Self {
        let mut config = Self::default();
        let text = |key: &str| {
            let own = overrides.get(key).map(String::as_str);
            own.or_else(|| broker.for_topic(key)).map(str::trim)
        };
        let number = |key: &str| text(key).and_then(|value| value.parse::<i64>().ok());
        let unlimited = |value: i64| (value >= 0).then_some(value);
        if let Some(policy) = text("cleanup.policy") {
            config.cleanup_policy = CleanupPolicy {
                delete: elements(policy).any(|part| part == "delete"),
                compact: elements(policy).any(|part| part == "compact"),
            };
        }
        if let Some(value) = number("retention.ms") {
            config.retention_ms = unlimited(value);
        }
        if let Some(value) = number("retention.bytes") {
            config.retention_bytes = unlimited(value);
        }
        if let Some(value) = number("max.message.bytes") {
            config.max_message_bytes = i32::try_from(value).unwrap_or(i32::MAX);
        }
        if let Some(value) = text("message.timestamp.type") {
            config.timestamp_type = match value {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            };
        }
        if let Some(value) = number("message.timestamp.before.max.ms") {
            config.timestamp_before_max_ms = value;
        }
        if let Some(value) = number("message.timestamp.after.max.ms") {
            config.timestamp_after_max_ms = value;
        }
        if let Some(value) = number("delete.retention.ms") {
            config.delete_retention_ms = value;
        }
        if let Some(value) = number("min.compaction.lag.ms") {
            config.min_compaction_lag_ms = value;
        }
        config.compression = text("compression.type").and_then(Codec::from_setting);
        let ratio = text("min.cleanable.dirty.ratio").and_then(|value| value.parse::<f64>().ok());
        if let Some(ratio) = ratio {
            config.min_cleanable_ratio = ratio;
        }
        config.overrides = overrides;
        config
    }
}
