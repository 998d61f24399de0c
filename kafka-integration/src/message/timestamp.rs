use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A record's time: milliseconds since the Unix epoch, as Kafka stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The present time of this machine.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// As the standard library's time; a time before 1970 becomes 1970.
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.max(0) as u64)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        };
        Self(millis)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads milliseconds since 1970 (`1769846400000`) or a time by RFC 3339
    /// (`2026-01-31T08:00:00Z`, `2026-01-31T09:00:00.250+01:00`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseTimestampError(text.to_owned());
        let trimmed = text.trim();
        if let Ok(millis) = trimmed.parse::<i64>() {
            return Ok(Self(millis));
        }
        let (local, offset) = split_zone(trimmed).ok_or_else(refuse)?;
        let time = humantime::parse_rfc3339_weak(local).map_err(|_| refuse())?;
        Ok(Self(Self::from(time).0 - offset))
    }
}

/// Separates the time from its zone; the zone in milliseconds east of UTC. A
/// time without a zone is refused: it would mean another one on each machine.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local, 0));
    }
    let at = text.len().checked_sub("+01:00".len())?;
    let (local, zone) = (text.get(..at)?, text.get(at..)?);
    let sign = match zone.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let two_digits = |part: &str, below: i64| -> Option<i64> {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|number| digits && *number < below)
    };
    let minutes = two_digits(hours, 24)? * 60 + two_digits(minutes, 60)?;
    Some((local, sign * minutes * 60_000))
}

/// The text is not a time: neither milliseconds nor RFC 3339.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is no time: give milliseconds since 1970 or a time such as 2026-01-31T08:00:00Z")]
pub struct ParseTimestampError(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_or_rfc_3339() {
        let parse = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_millis);
        for (text, millis) in [
            ("1769846400000", 1_769_846_400_000),
            ("2026-01-31T08:00:00Z", 1_769_846_400_000),
            ("2026-01-31T08:00:00.250z", 1_769_846_400_250),
            ("2026-01-31T09:30:00+01:30", 1_769_846_400_000),
            ("2026-01-31 03:00:00-05:00", 1_769_846_400_000),
        ] {
            assert_eq!(parse(text).expect(text), millis, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for text in [
            "",
            "yesterday",
            "2026-01-31T08:00:00",
            "2026-13-01T00:00:00Z",
            "T+01:0é",
        ] {
            let error = text.parse::<Timestamp>().expect_err(text);
            assert!(
                error.to_string().contains("2026-01-31T08:00:00Z"),
                "{error}"
            );
        }
    }
}
