use std::collections::BTreeMap;

use super::DeadLetter;
use crate::message::Timestamp;
use crate::retry::ErrorClass;

/// Which dead letters are meant: those that everything given here fits.
///
/// [`Filter::default`] means all. A record without a trail, which somebody else
/// put there, has no class, reason or time of failure: whoever chooses by these
/// leaves it out.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one of these classes of errors. Empty means any.
    pub classes: Vec<ErrorClass>,
    /// Dead for this reason: `terminal`, `exhausted` or `undecodable`.
    pub reason: Option<String>,
    /// Failed last at this time or later.
    pub since: Option<Timestamp>,
    /// Failed last before this time.
    pub until: Option<Timestamp>,
    /// With exactly this key.
    pub key: Option<Vec<u8>>,
    /// In this partition of the dead-letter topic.
    pub partition: Option<i32>,
    /// At this offset of the dead-letter topic or later, in each partition.
    pub from_offset: Option<i64>,
    /// Before this offset of the dead-letter topic, in each partition.
    pub to_offset: Option<i64>,
    /// In these partitions only, each before that offset: what a
    /// [`Plan`](super::Plan) has seen, and nothing that came later.
    pub ends: Option<BTreeMap<i32, i64>>,
    /// At most so many: the first by partition and offset.
    pub limit: Option<u64>,
}

impl Filter {
    /// The part of a partition that it means; `None` when it means nothing of it.
    pub(super) fn span(&self, partition: i32, span: (i64, i64)) -> Option<(i64, i64)> {
        if self.partition.is_some_and(|only| only != partition) {
            return None;
        }
        let start = self.from_offset.map_or(span.0, |from| from.max(span.0));
        let mut end = self.to_offset.map_or(span.1, |to| to.min(span.1));
        if let Some(ends) = &self.ends {
            end = end.min(*ends.get(&partition)?);
        }
        (start < end).then_some((start, end))
    }

    /// Whether it means this record of that part.
    pub(super) fn matches(&self, letter: &DeadLetter) -> bool {
        if self.key.is_some() && self.key != letter.key {
            return false;
        }
        let by_trail = !self.classes.is_empty()
            || self.reason.is_some()
            || self.since.is_some()
            || self.until.is_some();
        let Some(trail) = &letter.trail else {
            return !by_trail;
        };
        let failed = trail.last_failure;
        let class = |class: &ErrorClass| class.contains(&trail.error.class, None);
        (self.classes.is_empty() || self.classes.iter().any(class))
            && self
                .reason
                .as_ref()
                .is_none_or(|reason| *reason == trail.reason)
            && self.since.is_none_or(|since| failed >= since)
            && self.until.is_none_or(|until| failed < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Headers;
    use crate::retry::{ErrorInfo, Original, Trail};

    fn letter(class: &str, failed: i64) -> DeadLetter {
        DeadLetter {
            partition: 1,
            offset: 7,
            timestamp: None,
            key: Some(b"ann".to_vec()),
            value: None,
            headers: Headers::new(),
            trail: Some(Trail {
                original: Original {
                    topic: "orders".into(),
                    partition: 0,
                    offset: 0,
                    timestamp: None,
                },
                group: "billing".into(),
                attempts: 1,
                first_failure: Timestamp::from_millis(0),
                last_failure: Timestamp::from_millis(failed),
                error: ErrorInfo {
                    class: class.into(),
                    text: String::new(),
                },
                reason: "terminal".into(),
                due: None,
            }),
        }
    }

    #[test]
    fn everything_given_has_to_fit() {
        let at = Timestamp::from_millis;
        let matches = |filter: Filter| filter.matches(&letter("shop::Declined", 100));
        assert!(matches(Filter::default()));
        let class = |name: &'static str| Filter {
            classes: vec![ErrorClass::named("Other"), ErrorClass::named(name)],
            ..Filter::default()
        };
        assert!(matches(class("Declined")) && !matches(class("eclined")));
        let between = |since, until| Filter {
            since: Some(at(since)),
            until: Some(at(until)),
            ..Filter::default()
        };
        assert!(matches(between(100, 101)));
        assert!(!matches(between(100, 100)) && !matches(between(101, 200)));
        let reason = |reason: &str| Filter {
            reason: Some(reason.into()),
            key: Some(b"ann".to_vec()),
            ..Filter::default()
        };
        assert!(matches(reason("terminal")) && !matches(reason("exhausted")));
    }

    #[test]
    fn a_record_of_somebody_else_has_a_key_and_a_place_and_nothing_more() {
        let foreign = DeadLetter {
            trail: None,
            ..letter("", 0)
        };
        let key = |key: &[u8]| Filter {
            key: Some(key.to_vec()),
            ..Filter::default()
        };
        assert!(key(b"ann").matches(&foreign) && !key(b"bob").matches(&foreign));
        let since = Filter {
            since: Some(Timestamp::from_millis(0)),
            ..Filter::default()
        };
        assert!(!since.matches(&foreign));
    }

    #[test]
    fn a_span_is_cut_to_the_offsets() {
        let filter = Filter {
            partition: Some(2),
            from_offset: Some(10),
            to_offset: Some(20),
            ..Filter::default()
        };
        assert_eq!(filter.span(1, (0, 100)), None);
        assert_eq!(filter.span(2, (0, 100)), Some((10, 20)));
        assert_eq!(filter.span(2, (15, 18)), Some((15, 18)));
        assert_eq!(filter.span(2, (20, 100)), None);
        let seen = Filter {
            ends: Some(BTreeMap::from([(2, 12)])),
            ..filter
        };
        assert_eq!(seen.span(2, (0, 100)), Some((10, 12)));
        let seen = Filter {
            partition: None,
            ..seen
        };
        assert_eq!(seen.span(3, (0, 100)), None);
    }
}
