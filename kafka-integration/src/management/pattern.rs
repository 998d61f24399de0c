//! Which topics a consumer's subscription means.

use crate::topic::TopicName;

/// The topics of a cluster that a subscription takes: the one of that name, or
/// all that a pattern matches.
///
/// The client matches patterns by POSIX extended expressions; this is another
/// engine that agrees on what topic patterns are made of. `None` when it can't
/// read the pattern.
pub(super) fn matching<'a>(subscription: &str, topics: &[&'a str]) -> Option<Vec<&'a str>> {
    let is_pattern = TopicName::parse(subscription).is_ok_and(|name| name.is_pattern());
    if !is_pattern {
        let named = topics.iter().filter(|topic| **topic == subscription);
        return Some(named.copied().collect());
    }
    let pattern = regex::Regex::new(subscription).ok()?;
    let matched = topics.iter().filter(|topic| pattern.is_match(topic));
    Some(matched.copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_itself_and_a_pattern_is_what_it_matches() {
        let topics = ["shop.orders", "shop.payments", "shopXorders"];
        assert_eq!(matching("shop.orders", &topics), Some(vec!["shop.orders"]));
        assert_eq!(matching("orders", &topics), Some(vec![]));
        let both = vec!["shop.orders", "shop.payments"];
        assert_eq!(matching("^shop\\..*", &topics), Some(both));
        assert_eq!(matching("^shop(", &topics), None);
    }
}
