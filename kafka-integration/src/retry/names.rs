use crate::topic::{TopicName, TopicNameError};

/// What ends the name of the topic that tells what became of dead letters.
pub(super) const JOURNAL: &str = ".journal";

/// How retry and dead-letter topics are named: `{group}.{topic}.retry.{n}` and
/// `{group}.{topic}.dlt`, the last words from the settings `retry_topic_suffix`
/// and `dead_letter_topic_suffix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicNames {
    /// Default `retry`.
    pub retry_suffix: String,
    /// Default `dlt`.
    pub dead_letter_suffix: String,
}

impl Default for TopicNames {
    fn default() -> Self {
        Self {
            retry_suffix: "retry".to_owned(),
            dead_letter_suffix: "dlt".to_owned(),
        }
    }
}

impl TopicNames {
    /// The retry topic of that level, from 1, of what a group consumes from a
    /// topic.
    ///
    /// # Errors
    /// When Kafka takes no such name: it is too long, or the group has letters
    /// that topics can't have.
    pub fn retry(&self, group: &str, topic: &str, level: u32) -> Result<TopicName, TopicNameError> {
        TopicName::parse(&format!("{group}.{topic}.{}.{level}", self.retry_suffix))
    }

    /// The dead-letter topic of what a group consumes from a topic.
    ///
    /// # Errors
    /// As for [`retry`](Self::retry).
    pub fn dead_letter(&self, group: &str, topic: &str) -> Result<TopicName, TopicNameError> {
        TopicName::parse(&format!("{group}.{topic}.{}", self.dead_letter_suffix))
    }

    /// A pattern for all retry topics of a topic, or of all topics that a pattern
    /// (which begins with `^`) matches: also those that an earlier policy left.
    pub fn retry_pattern(&self, group: &str, topic: &str) -> String {
        let (group, suffix) = (regex::escape(group), regex::escape(&self.retry_suffix));
        let topic = match topic.strip_prefix('^') {
            None => regex::escape(topic),
            Some(inner) => match inner.strip_suffix('$') {
                Some(inner) => format!("({inner})"),
                None => format!("({inner}).*"),
            },
        };
        // No `\d`: the client's regular expressions are POSIX's.
        format!("^{group}\\.{topic}\\.{suffix}\\.[0-9]+$")
    }

    /// The topic that a retry topic of that group stands behind.
    pub(crate) fn source_of_retry<'a>(&self, group: &str, retry_topic: &'a str) -> Option<&'a str> {
        let rest = retry_topic.strip_prefix(group)?.strip_prefix('.')?;
        let (rest, level) = rest.rsplit_once('.')?;
        level.parse::<u32>().ok()?;
        rest.strip_suffix(&self.retry_suffix)?.strip_suffix('.')
    }

    /// Whether a topic is a retry or dead-letter topic of that group.
    pub(crate) fn is_moved_to(&self, group: &str, topic: &str) -> bool {
        let rest = topic.strip_prefix(group).and_then(|t| t.strip_prefix('.'));
        let rest = rest.map(|rest| rest.strip_suffix(JOURNAL).unwrap_or(rest));
        let dead = rest.and_then(|rest| rest.strip_suffix(&self.dead_letter_suffix));
        dead.is_some_and(|source| source.len() > 1 && source.ends_with('.'))
            || self.source_of_retry(group, topic).is_some()
    }

    /// Whether a topic is one where failed messages of that group are kept.
    pub(crate) fn keeps_failed(&self, group: &str, topic: &str) -> bool {
        self.is_moved_to(group, topic) && !topic.ends_with(JOURNAL)
    }

    /// The group that consumes the retry topics of a group.
    pub fn retry_group(&self, group: &str) -> String {
        format!("{group}.{}", self.retry_suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_design() {
        let names = TopicNames::default();
        let retry = names.retry("billing", "shop.orders", 2).expect("a name");
        assert_eq!(retry.as_str(), "billing.shop.orders.retry.2");
        let dead = names.dead_letter("billing", "shop.orders").expect("a name");
        assert_eq!(dead.as_str(), "billing.shop.orders.dlt");
        assert_eq!(names.retry_group("billing"), "billing.retry");
        assert!(names.dead_letter("billing/eu", "orders").is_err());
    }

    #[test]
    fn the_pattern_of_a_pattern_matches_its_retry_topics_and_no_others() {
        let names = TopicNames::default();
        for (pattern, topic) in [
            ("^shop\\..*", "shop.orders"),
            ("^(a|b)$", "a"),
            ("^x", "xy"),
        ] {
            let made = names.retry_pattern("g.1", pattern);
            let made = regex::Regex::new(&made).expect("a pattern");
            let name = |group, level| names.retry(group, topic, level).expect("a name");
            for level in [1, 20] {
                let retry = name("g.1", level);
                assert!(made.is_match(retry.as_str()), "{made}");
                assert_eq!(names.source_of_retry("g.1", retry.as_str()), Some(topic));
            }
            assert!(!made.is_match(name("g11", 2).as_str()), "{made}");
            let dead = names.dead_letter("g.1", topic).expect("a name");
            assert!(!made.is_match(dead.as_str()), "{made}");
            assert!(names.is_moved_to("g.1", dead.as_str()));
            assert!(names.is_moved_to("g.1", &format!("{dead}.journal")));
            assert!(names.keeps_failed("g.1", dead.as_str()));
            assert!(!names.keeps_failed("g.1", &format!("{dead}.journal")));
            assert!(!names.is_moved_to("g", "other.dlt"));
            assert!(!names.is_moved_to("g.1", topic));
        }
    }
}
