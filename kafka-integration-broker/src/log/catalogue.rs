use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::{Partition, Topic};
use crate::configs::{BrokerConfig, TopicConfig};

/// The topics that exist, by name and by id.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    inner: RwLock<Inner>,
    /// What topics inherit from.
    broker: RwLock<Arc<BrokerConfig>>,
}

#[derive(Debug, Default)]
struct Inner {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: FxHashMap<Uuid, Arc<Topic>>,
    /// Counts changes of topics and partition numbers, for those who keep
    /// something computed from them.
    version: u64,
}

impl Catalogue {
    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.inner.read().by_name.get(name).cloned()
    }

    pub(crate) fn topic_by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.inner.read().by_id.get(&id).cloned()
    }

    pub(crate) fn partition(&self, topic: &str, index: i32) -> Option<Arc<Partition>> {
        self.topic(topic)?.partition(index)
    }

    /// All topics, in order of their names.
    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.inner.read().by_name.values().cloned().collect()
    }

    /// The settings of the broker.
    pub(crate) fn broker(&self) -> Arc<BrokerConfig> {
        Arc::clone(&self.broker.read())
    }

    /// For the writer, and the start: changes the settings of the broker, and
    /// with them what topics inherit.
    pub(crate) fn set_broker(&self, broker: BrokerConfig) {
        for topic in self.topics() {
            let overrides = topic.config().overrides.clone();
            topic.set_config(Arc::new(TopicConfig::resolve(overrides, &broker)));
        }
        *self.broker.write() = Arc::new(broker);
    }

    /// Changes whenever a topic comes or goes or grows.
    pub(crate) fn version(&self) -> u64 {
        self.inner.read().version
    }

    pub(crate) fn insert(&self, topic: Arc<Topic>) {
        let mut inner = self.inner.write();
        inner.by_id.insert(topic.id, Arc::clone(&topic));
        inner.by_name.insert(Arc::clone(&topic.name), topic);
        inner.version += 1;
    }

    pub(crate) fn remove(&self, topic: &Topic) {
        let mut inner = self.inner.write();
        inner.by_id.remove(&topic.id);
        inner.by_name.remove(&topic.name);
        inner.version += 1;
    }

    /// Tells that a topic has more partitions than before.
    pub(crate) fn grown(&self) {
        self.inner.write().version += 1;
    }
}
