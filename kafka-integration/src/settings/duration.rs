//! Durations as text: `500ms`, `1s`, `2min`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// What a duration looks like, for messages.
pub(crate) const EXPECTED: &str =
    "a duration with its unit in quotes, such as \"500ms\", \"1s\" or \"2min\"";

/// Parses it; `None` without a unit, `0` included.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if !text.contains(char::is_alphabetic) {
        return None;
    }
    humantime::parse_duration(text.trim()).ok()
}

/// The shortest text that [`parse`] reads back as the same duration.
pub(crate) fn format(value: Duration) -> String {
    if value.is_zero() {
        return "0ms".to_owned();
    }
    humantime::format_duration(value).to_string()
}

pub(crate) fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&format(*value))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(d)?;
    parse(&text).ok_or_else(|| serde::de::Error::custom(format_args!("expected {EXPECTED}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("1s", 1_000),
            ("2min", 120_000),
            ("1m 30s", 90_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["5", "0", "", "-1s", "1 parsec", "1.5"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn they_are_text_for_serde_too() {
        let policy = crate::retry::RetryPolicy::default();
        let text = serde_json::to_string(&policy).expect("it has no odd keys");
        assert!(text.contains(r#""delay":"1s""#), "{text}");
        let back: crate::retry::RetryPolicy = serde_json::from_str(&text).expect("it is its own");
        assert_eq!(back, policy);
        let refused = serde_json::from_str::<crate::retry::RetryPolicy>(r#"{"delay":"1"}"#);
        let said = refused.expect_err("there is no unit").to_string();
        assert!(said.contains("with its unit"), "{said}");
    }

    #[test]
    fn what_is_printed_reads_back() {
        for millis in [0, 1, 100, 1_500, 61_000] {
            let value = Duration::from_millis(millis);
            assert_eq!(parse(&format(value)), Some(value));
        }
    }
}
