use std::sync::Arc;

use parking_lot::RwLock;
use uuid::Uuid;

use super::Partition;
use crate::configs::TopicConfig;

/// A topic that exists.
#[derive(Debug)]
pub(crate) struct Topic {
    /// The row's number in the database; also orders topics by age.
    pub(crate) row: i64,
    pub(crate) name: Arc<str>,
    /// A topic made anew under an old name has another id.
    pub(crate) id: Uuid,
    config: RwLock<Arc<TopicConfig>>,
    partitions: RwLock<Arc<[Arc<Partition>]>>,
}

impl Topic {
    pub(crate) fn new(
        row: i64,
        name: Arc<str>,
        id: Uuid,
        config: Arc<TopicConfig>,
        partitions: Vec<Arc<Partition>>,
    ) -> Self {
        Self {
            row,
            name,
            id,
            config: RwLock::new(config),
            partitions: RwLock::new(partitions.into()),
        }
    }

    /// The settings in force.
    pub(crate) fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&self.config.read())
    }

    pub(crate) fn set_config(&self, config: Arc<TopicConfig>) {
        *self.config.write() = config;
    }

    /// All partitions, in order of their index.
    pub(crate) fn partitions(&self) -> Arc<[Arc<Partition>]> {
        Arc::clone(&self.partitions.read())
    }

    pub(crate) fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        let index = usize::try_from(index).ok()?;
        self.partitions.read().get(index).cloned()
    }

    /// Adds partitions behind the last.
    pub(crate) fn add(&self, more: &[Arc<Partition>]) {
        let mut partitions = self.partitions.write();
        *partitions = partitions.iter().chain(more).cloned().collect();
    }
}
