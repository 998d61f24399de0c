use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::assignor::Sizes;
use super::member::Member;
use super::pattern::Pattern;
use super::{Refused, TopicsView};

/// What of a topic makes a new target necessary when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    id: Uuid,
    partitions: i32,
}

/// Which topics a group reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscriptions {
    /// By name, those of them that exist.
    pub(super) topics: BTreeMap<String, Shape>,
    /// The expressions in use.
    patterns: BTreeMap<String, Expression>,
    /// The [`TopicsView::version`] that all this is of; `None` after a restart.
    seen: Option<u64>,
}

#[derive(Debug, Clone)]
struct Expression {
    pattern: Pattern,
    matches: BTreeSet<String>,
}

impl Subscriptions {
    pub(super) fn restored(topics: BTreeMap<String, Shape>) -> Self {
        Self {
            topics,
            ..Self::default()
        }
    }

    /// Makes sure that the member's expression can be matched.
    ///
    /// # Errors
    /// It is none. Nothing changed.
    pub(super) fn learn(&mut self, member: &Member) -> Result<(), Refused> {
        let Some(regex) = &member.topic_regex else {
            return Ok(());
        };
        if self.patterns.contains_key(regex) {
            return Ok(());
        }
        let pattern = Pattern::new(regex).map_err(|reason| {
            Refused::new(
                ResponseError::InvalidRegularExpression,
                format!(
                    "SubscribedTopicRegex `{regex}` is not a valid regular expression: {reason}."
                ),
            )
        })?;
        // Until the next refresh; after a restart that is all there is to know.
        let known = self.topics.keys().filter(|name| pattern.matches(name));
        let matches = known.cloned().collect();
        self.patterns
            .insert(regex.clone(), Expression { pattern, matches });
        Ok(())
    }

    /// Whether a topic has come, gone or grown since [`refresh`](Self::refresh).
    pub(super) fn are_of_before(&self, topics: &dyn TopicsView) -> bool {
        self.seen != Some(topics.version())
    }

    /// Finds out anew what the members read; returns whether it is something
    /// else than before.
    pub(super) fn refresh<'a>(
        &mut self,
        members: impl Iterator<Item = &'a Member> + Clone,
        topics: &dyn TopicsView,
    ) -> bool {
        // Before the look: what changes during it is seen the next time.
        self.seen = Some(topics.version());
        let in_use: BTreeSet<&String> = members
            .clone()
            .filter_map(|member| member.topic_regex.as_ref())
            .collect();
        self.patterns.retain(|regex, _| in_use.contains(regex));
        if !self.patterns.is_empty() {
            let names = topics.names();
            for expression in self.patterns.values_mut() {
                let matches = names.iter().filter(|name| expression.pattern.matches(name));
                expression.matches = matches.map(|name| name.to_string()).collect();
            }
        }
        let names: BTreeSet<&String> = members.flat_map(|member| self.names(member)).collect();
        let shape = |name: &String| {
            let (id, partitions) = topics.topic(name)?;
            Some((name.clone(), Shape { id, partitions }))
        };
        let found: BTreeMap<String, Shape> = names.into_iter().filter_map(shape).collect();
        let changed = found != self.topics;
        self.topics = found;
        changed
    }

    /// What `member` reads, whether it exists or not.
    fn names<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a String> {
        let regex = member.topic_regex.as_ref();
        let expression = regex.and_then(|regex| self.patterns.get(regex));
        let matches = expression.into_iter().flat_map(|it| &it.matches);
        member.topic_names.iter().chain(matches)
    }

    pub(super) fn reads(&self, member: &Member, topic: &str) -> bool {
        self.names(member).any(|name| name == topic)
    }

    /// The ids of what `member` reads.
    pub(super) fn ids(&self, member: &Member) -> BTreeSet<Uuid> {
        let shapes = self.names(member).filter_map(|name| self.topics.get(name));
        shapes.map(|shape| shape.id).collect()
    }

    pub(super) fn sizes(&self) -> Sizes {
        let size = |shape: &Shape| (shape.id, shape.partitions);
        self.topics.values().map(size).collect()
    }
}
