/// The longest name of a topic, in bytes.
const LONGEST: usize = 249;

/// Why a topic can't have this name; `None` when it can.
pub(crate) fn name_problem(name: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() {
        Some("a topic's name can't be empty")
    } else if name == "." || name == ".." {
        Some("a topic's name can't be '.' or '..'")
    } else if name.len() > LONGEST {
        Some("a topic's name can't be longer than 249 characters")
    } else if !name.bytes().all(allowed) {
        Some("a topic's name consists of ASCII letters and digits, '.', '_' and '-'")
    } else {
        None
    }
}

/// Whether two names differ only in '.' and '_', which metrics can't tell
/// apart. Such a topic can't be created beside the other.
pub(crate) fn names_collide(one: &str, other: &str) -> bool {
    let same = |byte: u8| if byte == b'.' { b'_' } else { byte };
    one != other && one.bytes().map(same).eq(other.bytes().map(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_kafka_takes() {
        for good in ["orders", "a", "A.b_c-9", "...", &"x".repeat(249)] {
            assert_eq!(name_problem(good), None, "{good}");
        }
        for bad in ["", ".", "..", "a b", "ä", "a/b", "a:b", &"x".repeat(250)] {
            assert!(name_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_dot_collides_with_an_underscore() {
        assert!(names_collide("a.b", "a_b"));
        assert!(!names_collide("a.b", "a.b"));
        assert!(!names_collide("a.b", "a-b"));
    }
}
