use std::time::SystemTime;

pub(super) use crate::management::time::rfc3339;
use crate::message::Timestamp;

/// A time, or how long ago it was.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim();
    humantime::parse_duration(ago)
        .ok()
        .and_then(|ago| SystemTime::now().checked_sub(ago))
        .map(Timestamp::from)
        .ok_or_else(|| {
            "give a time with its zone (2026-01-31T08:00:00Z), milliseconds since 1970, or how \
             long ago (2h)"
                .to_owned()
        })
}

/// How long ago that was, in two words at most: `3h 12m`.
pub(super) fn ago(time: Timestamp) -> String {
    let since = SystemTime::now().duration_since(time.to_system_time());
    let seconds = since.map_or(0, |since| since.as_secs());
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m"),
        3_600..86_400 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_absolute_or_ago() {
        let time = Timestamp::from_millis(1_769_846_400_000);
        assert_eq!(parse("2026-01-31T08:00:00Z"), Ok(time));
        assert_eq!(parse("1769846400000"), Ok(time));
        for text in ["2h", "120min ago"] {
            let ago = Timestamp::now().as_millis() - parse(text).expect(text).as_millis();
            assert!((7_200_000..7_260_000).contains(&ago), "{ago}");
        }
        assert!(parse("soon").is_err_and(|error| error.contains("2h")));
        assert_eq!(rfc3339(time), "2026-01-31T08:00:00.000Z");
    }

    #[test]
    fn an_age_has_no_more_words_than_it_needs() {
        let before = |seconds: i64| {
            Timestamp::from_millis(Timestamp::now().as_millis() - seconds * 1_000 - 100)
        };
        assert_eq!(ago(before(59)), "59s");
        assert_eq!(ago(before(61)), "1m");
        assert_eq!(ago(before(3 * 3_600 + 12 * 60 + 9)), "3h 12m");
        assert_eq!(ago(before(2 * 86_400 + 3_600 + 7)), "2d 1h");
    }
}
