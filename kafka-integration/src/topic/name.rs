use std::fmt;

/// Kafka's own limit on a topic's name, in bytes.
const MAX_LENGTH: usize = 249;

/// A topic's name, checked: a literal one, or a pattern that begins with `^`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName(String);

/// The name is not one that Kafka takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a topic name: {reason}")]
pub struct TopicNameError {
    /// The name as it was given.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl TopicName {
    /// Checks a name by Kafka's rules: 1 to 249 of `a-z A-Z 0-9 . _ -`, and not
    /// `.` or `..`. A pattern is only checked for being there: its syntax is the
    /// client's.
    ///
    /// # Errors
    /// When Kafka would refuse the name.
    pub fn parse(name: &str) -> Result<Self, TopicNameError> {
        let refuse = |reason| {
            Err(TopicNameError {
                name: name.to_owned(),
                reason,
            })
        };
        if let Some(pattern) = name.strip_prefix('^') {
            if pattern.is_empty() {
                return refuse("the pattern after `^` is empty");
            }
            return Ok(Self(name.to_owned()));
        }
        if name.is_empty() {
            return refuse("it is empty");
        }
        if name == "." || name == ".." {
            return refuse("Kafka reserves `.` and `..`");
        }
        if name.len() > MAX_LENGTH {
            return refuse("it is longer than 249 characters");
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !name.chars().all(legal) {
            return refuse("only letters, digits, `.`, `_` and `-` may stand in it");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name, or the pattern with its `^`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a pattern, which can be subscribed to but not produced to.
    pub fn is_pattern(&self) -> bool {
        self.0.starts_with('^')
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        for good in ["orders", "shop.orders", "a_b-c.1", "^shop\\..*"] {
            assert!(TopicName::parse(good).is_ok(), "{good}");
        }
        let long = "x".repeat(250);
        for bad in ["", ".", "..", "with space", "ü", "^", long.as_str()] {
            assert!(TopicName::parse(bad).is_err(), "{bad}");
        }
    }
}
