use std::fmt::Write as _;

use crate::admin::NewTopic;
use crate::topic::TopicName;

/// A moved message is its original with a trail of headers: so much larger may
/// a record be than in the source.
const TRAIL_BYTES: i64 = 64 * 1024;

/// What a retry or dead-letter topic is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blueprint {
    /// As many as the source has; `None`, the brokers' default, without one.
    pub(super) partitions: Option<i32>,
    /// Brokers per partition; `None` is the brokers' default.
    pub(super) replication: Option<i32>,
    /// `max.message.bytes` of the source; `None` when it is not known.
    pub(super) largest: Option<i64>,
    pub(super) detail: Detail,
}

/// How much is set on the topic. Old brokers don't know everything, and hosted
/// ones don't allow everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Timestamps of any age and future too.
    Full,
    /// What every Kafka knows.
    Usual,
    /// What a topic can't do without, and the source's own size limit.
    Least,
}

impl Detail {
    pub(super) fn less(self) -> Option<Self> {
        match self {
            Self::Full => Some(Self::Usual),
            Self::Usual => Some(Self::Least),
            Self::Least => None,
        }
    }
}

impl Blueprint {
    pub(super) fn config(&self) -> Vec<(&'static str, String)> {
        let mut config = vec![
            ("cleanup.policy", "delete".to_owned()),
            // Messages keep their timestamps: with any limit, an old one would
            // be deleted as soon as it came.
            ("retention.ms", "-1".to_owned()),
        ];
        let room = match self.detail {
            Detail::Least => 0,
            Detail::Usual | Detail::Full => TRAIL_BYTES,
        };
        if let Some(largest) = self.largest {
            let most = largest.saturating_add(room).min(i64::from(i32::MAX));
            config.push(("max.message.bytes", most.to_string()));
        }
        if self.detail != Detail::Least {
            config.push(("message.timestamp.type", "CreateTime".to_owned()));
            config.push(("retention.bytes", "-1".to_owned()));
        }
        if self.detail == Detail::Full {
            // Since Kafka 3.6; the latter is an hour unless set.
            config.push(("message.timestamp.before.max.ms", i64::MAX.to_string()));
            config.push(("message.timestamp.after.max.ms", i64::MAX.to_string()));
        }
        config
    }

    pub(super) fn topic(&self, name: &TopicName) -> NewTopic {
        let mut topic = NewTopic::new(name.as_str());
        if let Some(partitions) = self.partitions {
            topic = topic.partitions(partitions);
        }
        if let Some(brokers) = self.replication {
            topic = topic.replication_factor(brokers);
        }
        for (name, value) in self.config() {
            topic = topic.config(name, value);
        }
        topic
    }

    /// The command that makes it.
    pub(super) fn command(&self, name: &TopicName, cluster: Option<&str>) -> String {
        let mut command = format!("kafka-topics create {name}");
        // Writing to a string can't fail.
        if let Some(partitions) = self.partitions {
            let _ = write!(command, " --partitions {partitions}");
        }
        for (name, value) in self.config() {
            let _ = write!(command, " --config {name}={value}");
        }
        if let Some(cluster) = cluster {
            let _ = write!(command, " --cluster {cluster}");
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_less_detail_the_messages_are_still_kept_for_ever() {
        let mut blueprint = Blueprint {
            partitions: Some(3),
            replication: None,
            largest: Some(i64::from(i32::MAX) - 1),
            detail: Detail::Full,
        };
        let mut before = usize::MAX;
        loop {
            let config = blueprint.config();
            assert!(config.len() < before, "{config:?}");
            before = config.len();
            let value = |name| Some(&*config.iter().find(|(n, _)| *n == name)?.1);
            assert_eq!(value("retention.ms"), Some("-1"));
            assert_eq!(value("cleanup.policy"), Some("delete"));
            let most: i64 = value("max.message.bytes").expect("set").parse().expect("n");
            assert!(most >= i64::from(i32::MAX) - 1 && most <= i64::from(i32::MAX));
            match blueprint.detail.less() {
                Some(less) => blueprint.detail = less,
                None => break,
            }
        }
    }

    #[test]
    fn the_command_makes_the_same_topic() {
        let blueprint = Blueprint {
            partitions: Some(3),
            replication: None,
            largest: Some(1_000),
            detail: Detail::Usual,
        };
        let name = TopicName::parse("billing.orders.dlt").expect("a name");
        assert_eq!(
            blueprint.command(&name, Some("eu")),
            "kafka-topics create billing.orders.dlt --partitions 3 \
             --config cleanup.policy=delete --config retention.ms=-1 \
             --config max.message.bytes=66536 --config message.timestamp.type=CreateTime \
             --config retention.bytes=-1 --cluster eu"
        );
    }
}
