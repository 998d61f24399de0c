//! Which consume hook takes the messages of a topic.

use std::sync::Arc;

use regex::Regex;

use super::handler::Handler;
use crate::consumer::ConsumerSpec;
use crate::topic::TopicName;

/// A consumer's topics, by name and by pattern.
pub(super) struct Routes {
    named: Vec<(String, Arc<dyn Handler>)>,
    patterns: Vec<(Option<Regex>, Arc<dyn Handler>)>,
}

impl Routes {
    pub(super) fn of(spec: &ConsumerSpec) -> Self {
        let mut routes = Self {
            named: Vec::new(),
            patterns: Vec::new(),
        };
        for topic in &spec.topics {
            let handler = Arc::clone(&topic.handler);
            let pattern = TopicName::parse(topic.name()).is_ok_and(|name| name.is_pattern());
            if pattern {
                // The client's regular expressions differ a little from these;
                // one that only it understands is fine while it is the only one.
                routes
                    .patterns
                    .push((Regex::new(topic.name()).ok(), handler));
            } else {
                routes.named.push((topic.name().to_owned(), handler));
            }
        }
        routes
    }

    /// What to subscribe to.
    pub(super) fn subscription(&self) -> Vec<&str> {
        let named = self.named.iter().map(|(name, _)| name.as_str());
        let patterns = self
            .patterns
            .iter()
            .map(|(_, handler)| handler.topic_name());
        named.chain(patterns).collect()
    }

    /// The hook of a topic that was assigned: the one of that name, otherwise
    /// the first whose pattern matches.
    pub(super) fn handler(&self, topic: &str) -> Result<Arc<dyn Handler>, String> {
        if let Some((_, handler)) = self.named.iter().find(|(name, _)| name == topic) {
            return Ok(Arc::clone(handler));
        }
        if let [(_, only)] = self.patterns.as_slice() {
            return Ok(Arc::clone(only));
        }
        let matches = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|r| r.is_match(topic));
        self.patterns
            .iter()
            .find(|(pattern, _)| matches(pattern))
            .map(|(_, handler)| Arc::clone(handler))
            .ok_or_else(|| {
                format!(
                    "topic `{topic}` was assigned, but no topic of this consumer has its name or a \
                     pattern that matches it; is another program in the group with other topics?"
                )
            })
    }
}
