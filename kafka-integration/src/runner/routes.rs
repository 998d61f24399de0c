//! Which consume hook takes the messages of a topic, and by which rules.

use std::sync::Arc;

use regex::Regex;

use super::handler::Handler;
use super::rules::Rules;
use crate::consumer::{ConsumerSpec, TopicBinding};
use crate::retry::{RetryPolicy, TopicNames};

/// A consumer's topics, by name and by pattern.
pub(super) struct Routes {
    named: Vec<(String, Route)>,
    patterns: Vec<Pattern>,
    group: Arc<str>,
    names: Arc<TopicNames>,
    role: Role,
}

/// Which of a consumer's two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Takes the topics themselves.
    Source,
    /// Takes their retry topics.
    Retry,
}

#[derive(Clone)]
struct Route {
    handler: Arc<dyn Handler>,
    policy: Arc<RetryPolicy>,
}

struct Pattern {
    text: String,
    regex: Option<Regex>,
    route: Route,
}

impl Routes {
    /// `default` is the policy of topics and consumers without their own.
    pub(super) fn of(
        spec: &ConsumerSpec,
        role: Role,
        default: &RetryPolicy,
        names: TopicNames,
    ) -> Self {
        let mut routes = Self {
            named: Vec::new(),
            patterns: Vec::new(),
            group: spec.group_id.as_str().into(),
            names: Arc::new(names),
            role,
        };
        let is_pattern = |topic: &&TopicBinding| topic.name().starts_with('^');
        let patterns = spec.topics.iter().filter(is_pattern);
        let named = spec.topics.iter().filter(|topic| !is_pattern(topic));
        // A topic that is named is not taken by a pattern, its retry topics
        // neither.
        for topic in named.chain(patterns) {
            let route = Route {
                handler: Arc::clone(&topic.handler),
                policy: Arc::new(spec.policy(topic, default)),
            };
            match (role, is_pattern(&topic)) {
                (Role::Source, false) => routes.named.push((topic.name().to_owned(), route)),
                (Role::Source, true) => routes.add_pattern(topic.name().to_owned(), route),
                (Role::Retry, _) => {
                    let pattern = routes.names.retry_pattern(&spec.group_id, topic.name());
                    routes.add_pattern(pattern, route);
                }
            }
        }
        routes
    }

    fn add_pattern(&mut self, text: String, route: Route) {
        // The client's regular expressions differ a little from these; one that
        // only it understands is fine while it is the only one.
        self.patterns.push(Pattern {
            regex: Regex::new(&text).ok(),
            text,
            route,
        });
    }

    /// What to subscribe to.
    pub(super) fn subscription(&self) -> Vec<&str> {
        let named = self.named.iter().map(|(name, _)| name.as_str());
        let patterns = self.patterns.iter().map(|pattern| pattern.text.as_str());
        named.chain(patterns).collect()
    }

    /// Whether a later message of a failed one's key has to wait for it.
    pub(super) fn preserve_order(&self) -> bool {
        self.routes().any(|route| route.policy.preserve_order)
    }

    /// Whether a failed message may move to a retry topic.
    pub(super) fn uses_retry_topics(&self) -> bool {
        self.routes().any(|route| route.policy.levels() > 0)
    }

    fn routes(&self) -> impl Iterator<Item = &Route> {
        let named = self.named.iter().map(|(_, route)| route);
        named.chain(self.patterns.iter().map(|pattern| &pattern.route))
    }

    /// Whether one of its patterns matches that topic.
    pub(super) fn matches(&self, topic: &str) -> bool {
        let matches = |p: &Pattern| p.regex.as_ref().is_some_and(|r| r.is_match(topic));
        self.patterns.iter().any(matches)
    }

    /// The hook of a topic that was assigned, and its rules: the one of that
    /// name, otherwise the first whose pattern matches.
    pub(super) fn find(&self, topic: &str) -> Result<(Arc<dyn Handler>, Arc<Rules>), String> {
        let route = self.route(topic).ok_or_else(|| {
            format!(
                "topic `{topic}` was assigned, but no topic of this consumer has its name or a \
                 pattern that matches it; is another program in the group with other topics?"
            )
        })?;
        let is_named = self.named.iter().any(|(name, _)| name == topic);
        let rules = Rules::of(topic, &self.group, &self.names, &route.policy);
        let rules = match self.role {
            Role::Source if is_named => rules,
            Role::Source => rules.matched(),
            Role::Retry => rules.retry(),
        };
        Ok((Arc::clone(&route.handler), Arc::new(rules)))
    }

    fn route(&self, topic: &str) -> Option<&Route> {
        if let Some((_, route)) = self.named.iter().find(|(name, _)| name == topic) {
            return Some(route);
        }
        if let [only] = self.patterns.as_slice() {
            return Some(&only.route);
        }
        let matches = |p: &&Pattern| p.regex.as_ref().is_some_and(|r| r.is_match(topic));
        self.patterns.iter().find(matches).map(|p| &p.route)
    }
}
