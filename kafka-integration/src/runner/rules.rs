//! What holds for the failures of a topic's messages.

use std::sync::Arc;

use super::raw::TopicName as SharedName;
use crate::retry::{RetryPolicy, TopicNames, Trail};
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

    /// Whether a retry topic's record with that trail is another group's: `a`
    /// with the topic `b.c` and `a.b` with `c` have retry topics of one name.
    /// The trail must lead here that way, so that the other group's retry
    /// consumer does get it; what somebody copied here by hand is ours.
    pub(super) fn is_of_another_group(&self, trail: &Trail) -> bool {
        let (group, topic) = (&*trail.group, &*trail.original.topic);
        let here = |prefix: &str| format!("{prefix}.");
        self.is_retry
            && group != &*self.group
            && here(group) + topic == here(&self.group) + &*self.source
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Headers, Timestamp};
    use crate::retry::{ErrorInfo, Original};

    fn trail(group: &str, topic: &str) -> Trail {
        let trail = Trail {
            original: Original {
                topic: topic.to_owned(),
                partition: 0,
                offset: 0,
                timestamp: None,
            },
            group: group.to_owned(),
            attempts: 1,
            first_failure: Timestamp::from_millis(0),
            last_failure: Timestamp::from_millis(0),
            error: ErrorInfo {
                class: "E".to_owned(),
                text: String::new(),
            },
            reason: "retry".to_owned(),
            due: None,
        };
        Trail::of(&trail.append_to(&Headers::new())).expect("a trail")
    }

    #[test]
    fn a_message_is_anothers_when_its_trail_leads_to_this_topic_by_another_group() {
        let (group, names) = (Arc::from("a"), Arc::default());
        let rules = Rules::of("a.b.c.retry.1", &group, &names, &Arc::default()).retry();
        assert_eq!(&*rules.source, "b.c");
        assert!(rules.is_of_another_group(&trail("a.b", "c")));
        for (group, topic) in [
            ("a", "b.c"),
            // Those groups have no retry consumer here: nobody else would
            // handle what was copied from their topics.
            ("a.b", "d"),
            ("x", "b.c"),
            ("a", "x"),
            ("a.", "b.c"),
        ] {
            let ours = !rules.is_of_another_group(&trail(group, topic));
            assert!(ours, "{group} with {topic}");
        }
        // Of a topic that is consumed by its name, a trail says nothing.
        let source = Rules::of("a.b.c", &group, &names, &Arc::default());
        assert!(!source.is_of_another_group(&trail("a.b", "c")));
    }
}
