use std::sync::Arc;

use uuid::Uuid;

use crate::log::Catalogue;

/// The topics that exist, as a group sees them.
pub(crate) trait TopicsView {
    /// Changes whenever a topic comes or goes or grows.
    fn version(&self) -> u64;
    /// The id of a topic, and the number of its partitions.
    fn topic(&self, name: &str) -> Option<(Uuid, i32)>;
    /// The name of a topic.
    fn name(&self, id: Uuid) -> Option<Arc<str>>;
    fn names(&self) -> Vec<Arc<str>>;
}

impl TopicsView for Catalogue {
    fn version(&self) -> u64 {
        Self::version(self)
    }

    fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
        let topic = Self::topic(self, name)?;
        let partitions = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        Some((topic.id, partitions))
    }

    fn name(&self, id: Uuid) -> Option<Arc<str>> {
        self.topic_by_id(id).map(|topic| Arc::clone(&topic.name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let name = |topic: &Arc<crate::log::Topic>| Arc::clone(&topic.name);
        self.topics().iter().map(name).collect()
    }
}
