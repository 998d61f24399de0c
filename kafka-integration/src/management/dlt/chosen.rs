use std::ops::Range;

use super::time;
use crate::message::Timestamp;
use crate::retry::ErrorClass;
use crate::retry::dead::Filter;

/// Which dead letters are meant: all that everything given fits.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Chosen {
    /// Of this class of error: a type's path or its end, such as Declined or
    /// payments::Declined; may be given many times, for any of them
    #[arg(long, value_name = "CLASS")]
    class: Vec<String>,
    /// Dead for this reason
    #[arg(long, value_parser = ["terminal", "exhausted", "undecodable"])]
    reason: Option<String>,
    /// Failed last then or later: 2026-01-31T08:00:00Z, milliseconds, or how long
    /// ago (2h)
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<Timestamp>,
    /// Failed last before that time
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<Timestamp>,
    /// With exactly this key; hex:00ff for one that is no text
    #[arg(long, allow_hyphen_values = true)]
    key: Option<String>,
    /// In this partition of the dead-letter topic
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// At these offsets of the dead-letter topic: from A to before B; A.. and
    /// ..B are open, A..=B has B too, and A alone is that one
    #[arg(long, value_name = "A..B", value_parser = offsets)]
    offsets: Option<Range<i64>>,
    /// At most so many, the first by partition and offset
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Chosen {
    pub(super) fn filter(&self) -> Filter {
        let classes = self.class.iter();
        Filter {
            classes: classes
                .map(|name| ErrorClass::named(name.clone()))
                .collect(),
            reason: self.reason.clone(),
            since: self.since,
            until: self.until,
            key: self.key.as_deref().map(key),
            partition: self.partition,
            from_offset: self.offsets.as_ref().map(|offsets| offsets.start),
            to_offset: self.offsets.as_ref().map(|offsets| offsets.end),
            limit: self.limit,
            ends: None,
        }
    }
}

/// The bytes of a key as it is shown: text, or hexadecimal behind `hex:`.
fn key(text: &str) -> Vec<u8> {
    let bytes = text.strip_prefix("hex:").and_then(|digits| {
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok().filter(|it| it.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        };
        pairs.map(byte).collect::<Option<Vec<_>>>()
    });
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

fn offsets(text: &str) -> Result<Range<i64>, String> {
    let refused = || {
        "give offsets as in 100..200 (from 100 to before 200), 100..=200, 100.., ..200 or 100"
            .to_owned()
    };
    let number = |text: &str| {
        let number = text.trim().parse::<i64>().map_err(|_| refused())?;
        if number < 0 {
            Err(refused())
        } else {
            Ok(number)
        }
    };
    let Some((start, end)) = text.split_once("..") else {
        let one = number(text)?;
        return Ok(one..one.saturating_add(1));
    };
    let start = if start.is_empty() { 0 } else { number(start)? };
    let end = match end.strip_prefix('=') {
        Some(last) => number(last)?.saturating_add(1),
        None if end.is_empty() => i64::MAX,
        None => number(end)?,
    };
    if start < end {
        Ok(start..end)
    } else {
        Err(format!("there is no offset in {text}; {}", refused()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_a_range_with_its_end_outside() {
        for (text, range) in [
            ("10..20", 10..20),
            ("10..=20", 10..21),
            ("10..", 10..i64::MAX),
            ("..20", 0..20),
            ("7", 7..8),
        ] {
            assert_eq!(offsets(text), Ok(range), "{text}");
        }
        for text in ["", "a..b", "20..10", "10..10", "-3..4", "1...2"] {
            let refused = offsets(text).expect_err(text);
            assert!(refused.contains("100..200"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_key_is_text_or_hexadecimal_as_it_is_shown() {
        assert_eq!(key("ann"), b"ann");
        assert_eq!(key("hex:00ff"), [0, 0xff]);
        assert_eq!(key("hex:0"), b"hex:0");
        assert_eq!(key("hex:zz"), b"hex:zz");
        assert_eq!(key("hex:é"), "hex:é".as_bytes());
    }
}
