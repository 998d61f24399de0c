//! What holds for the failures of a topic's messages.

use std::sync::Arc;

use super::raw::TopicName as SharedName;
use crate::retry::{RetryPolicy, TopicNames};
use crate::topic::{TopicName, TopicNameError};

/// The policy of one assigned topic, and where its messages move to.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) policy: Arc<RetryPolicy>,
    /// The group that the retry and dead-letter topics are named after.
    pub(crate) group: Arc<str>,
    pub(super) names: Arc<TopicNames>,
    /// The topic the messages were first consumed from: the topic itself, or
    /// the one a retry topic stands behind.
    pub(crate) source: SharedName,
    /// Whether the topic is a retry topic.
    pub(crate) is_retry: bool,
    /// Whether its messages are passed by: it is a retry or dead-letter topic of
    /// the group itself, which a pattern of the application matches too.
    pub(crate) passes_by: bool,
}

impl Rules {
    /// For a topic that is named, or is not one of this group's own.
    pub(super) fn of(
        topic: &str,
        group: &Arc<str>,
        names: &Arc<TopicNames>,
        policy: &Arc<RetryPolicy>,
    ) -> Self {
        Self {
            policy: Arc::clone(policy),
            group: Arc::clone(group),
            names: Arc::clone(names),
            source: topic.into(),
            is_retry: false,
            passes_by: false,
        }
    }

    /// The topic is only matched by a pattern.
    pub(super) fn matched(self) -> Self {
        Self {
            passes_by: self.names.is_moved_to(&self.group, &self.source),
            ..self
        }
    }

    /// The topic is a retry topic.
    pub(super) fn retry(self) -> Self {
        let source = self.names.source_of_retry(&self.group, &self.source);
        Self {
            is_retry: true,
            source: source.map_or_else(|| Arc::clone(&self.source), Arc::from),
            ..self
        }
    }

    /// The retry topic of that level.
    pub(super) fn retry_topic(&self, level: u32) -> Result<TopicName, TopicNameError> {
        self.names.retry(&self.group, &self.source, level)
    }

    pub(super) fn dead_letter_topic(&self) -> Result<TopicName, TopicNameError> {
        self.names.dead_letter(&self.group, &self.source)
    }

    #[cfg(test)]
    pub(super) fn for_test() -> Arc<Self> {
        let (group, names) = (Arc::from("group"), Arc::default());
        Arc::new(Self::of("topic", &group, &names, &Arc::default()))
    }
}
