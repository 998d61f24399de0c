//! What is set on the broker, and where.

use std::collections::BTreeMap;

use super::broker_settings::broker_setting;
use super::topic_settings::{behind, topic_setting};
use super::{Overrides, Scope};

/// Under which names the two are stored.
const CLUSTER_KEY: &str = "cluster";
const NODE_KEY: &str = "node";

/// Where a value comes from, with its number in DescribeConfigs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Topic = 1,
    Node = 2,
    Cluster = 3,
    Static = 4,
    Default = 5,
}

/// The settings of the broker. The nearest counts: what was set on the node
/// while it ran, then on the cluster, then at the start, then the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BrokerConfig {
    node: Overrides,
    cluster: Overrides,
    fixed: BTreeMap<&'static str, String>,
}

impl BrokerConfig {
    /// What was stored before.
    pub(crate) fn stored(records: &BTreeMap<String, Vec<u8>>) -> Self {
        let read = |key| {
            let bytes: &Vec<u8> = records.get(key)?;
            serde_json::from_slice(bytes).ok()
        };
        Self {
            node: read(NODE_KEY).unwrap_or_default(),
            cluster: read(CLUSTER_KEY).unwrap_or_default(),
            fixed: BTreeMap::new(),
        }
    }

    /// With something that was set at the start.
    pub(crate) fn with_fixed(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fixed.insert(name, value.to_string());
        self
    }

    /// What was set while the broker ran; nothing for a topic.
    pub(crate) fn overrides(&self, scope: Scope) -> Option<&Overrides> {
        match scope {
            Scope::Topic => None,
            Scope::Cluster => Some(&self.cluster),
            Scope::Node => Some(&self.node),
        }
    }

    /// With other overrides, and the key under which they are stored.
    pub(crate) fn with(&self, scope: Scope, overrides: Overrides) -> (Self, &'static str) {
        let mut changed = self.clone();
        let key = match scope {
            Scope::Node => {
                changed.node = overrides;
                NODE_KEY
            }
            Scope::Cluster | Scope::Topic => {
                changed.cluster = overrides;
                CLUSTER_KEY
            }
        };
        (changed, key)
    }

    /// Every value that a setting of the broker has, the one in force first.
    pub(crate) fn values(&self, name: &str) -> Vec<(Source, &str)> {
        let fixed = self.fixed.get(name);
        let default = match behind(name) {
            Some(setting) => setting.broker_default.then_some(setting.default),
            None => broker_setting(name).and_then(|setting| setting.default),
        };
        [
            (Source::Node, self.node.get(name).map(String::as_str)),
            (Source::Cluster, self.cluster.get(name).map(String::as_str)),
            (Source::Static, fixed.map(String::as_str)),
            (Source::Default, default),
        ]
        .into_iter()
        .filter_map(|(source, value)| Some((source, value?)))
        .collect()
    }

    /// The number that a setting of the broker has.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        let (_, value) = self.values(name).into_iter().next()?;
        value.trim().parse().ok()
    }

    /// What a topic that sets nothing itself gets; `None` for an unknown
    /// setting.
    pub(crate) fn for_topic(&self, name: &str) -> Option<&str> {
        let setting = topic_setting(name)?;
        let of_broker = setting.broker.and_then(|broker| {
            let first = self.values(broker).into_iter().next();
            first.map(|(_, value)| value)
        });
        Some(of_broker.unwrap_or(setting.default))
    }
}
