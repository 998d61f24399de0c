//! Kafka's rules for the name of a topic.
//!
//! The framework has the same rules for names that are only known at run time;
//! a test in the workspace holds the two together.

/// What is wrong with a name, or with a pattern that begins with `^`.
pub(crate) fn problem(name: &str) -> Option<&'static str> {
    if let Some(pattern) = name.strip_prefix('^') {
        return pattern
            .is_empty()
            .then_some("the pattern after `^` is empty");
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Some("it is empty")
    } else if name == "." || name == ".." {
        Some("Kafka reserves `.` and `..`")
    } else if name.len() > 249 {
        Some("it is longer than 249 characters")
    } else if !name.chars().all(legal) {
        Some("only letters, digits, `.`, `_` and `-` may stand in it")
    } else {
        None
    }
}
