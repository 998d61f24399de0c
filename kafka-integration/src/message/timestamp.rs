use std::fmt;
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

/// The text is not a time: neither milliseconds nor RFC 3339.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is no time: give milliseconds since 1970 or a time such as 2026-01-31T08:00:00Z")]
pub struct ParseTimestampError(pub String);
