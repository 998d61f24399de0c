use crate::message::Timestamp;

/// The last millisecond of the year 9999: RFC 3339 has no later one.
const LAST: i64 = 253_402_300_799_999;

/// As people and scripts read it. A record may bear any number as its time: one
/// that RFC 3339 can't have is shown as the milliseconds that it is.
pub(super) fn rfc3339(time: Timestamp) -> String {
    match time.as_millis() {
        0..=LAST => humantime::format_rfc3339_millis(time.to_system_time()).to_string(),
        millis => millis.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_has_no_date_is_shown_in_milliseconds() {
        for (millis, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (LAST, "9999-12-31T23:59:59.999Z"),
            (LAST + 1, "253402300800000"),
            (i64::MAX, "9223372036854775807"),
            (-1, "-1"),
            (i64::MIN, "-9223372036854775808"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_millis(millis)), shown);
        }
    }
}
