//! The headers that tell a moved message's history.

use std::borrow::Cow;

use crate::message::{Header, Headers, Timestamp};

/// Where a message stood first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its record's timestamp.
    pub timestamp: Option<Timestamp>,
}

/// What made a message move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorInfo {
    /// The error's class: its type's path, `panic` or `undecodable`.
    pub class: String,
    /// Its text, cut to 1,024 bytes.
    pub text: String,
}

/// A moved message's history, as the headers of a retry topic's or dead-letter
/// topic's record tell it.
///
/// The headers stand after those of the original message, always all of them
/// and in this order, as text:
///
/// | header | value |
/// |---|---|
/// | `retry.original-topic` | the topic it was first consumed from |
/// | `retry.original-partition` | its partition there |
/// | `retry.original-offset` | its offset there |
/// | `retry.original-timestamp` | its timestamp in epoch milliseconds, or empty |
/// | `retry.group` | the group that failed to handle it |
/// | `retry.attempt` | the attempts made so far |
/// | `retry.first-failure` | when the first of them failed, in epoch milliseconds |
/// | `retry.last-failure` | when the last of them failed, in epoch milliseconds |
/// | `retry.error-class` | the class of the last failure |
/// | `retry.error` | its text, at most 1,024 bytes |
/// | `retry.reason` | `retry`, or why it is dead: `terminal`, `exhausted`, `undecodable` |
/// | `retry.due` | when it is to be tried again, in epoch milliseconds; empty for a dead letter |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Where the message stood first.
    pub original: Original,
    /// The group that failed to handle it.
    pub group: String,
    /// The attempts made so far.
    pub attempts: u32,
    /// When the first of them failed.
    pub first_failure: Timestamp,
    /// When the last of them failed.
    pub last_failure: Timestamp,
    /// The last failure.
    pub error: ErrorInfo,
    /// `retry`, or why the message is dead.
    pub reason: String,
    /// When it is to be tried again; `None` for a dead letter.
    pub due: Option<Timestamp>,
}

/// The longest error text and class that travel, in bytes: whatever an error
/// says, the record stays about as large as it was.
const LONGEST_TEXT: usize = 1_024;
const LONGEST_CLASS: usize = 256;

const NAMES: [&str; 12] = [
    "retry.original-topic",
    "retry.original-partition",
    "retry.original-offset",
    "retry.original-timestamp",
    "retry.group",
    "retry.attempt",
    "retry.first-failure",
    "retry.last-failure",
    "retry.error-class",
    "retry.error",
    "retry.reason",
    "retry.due",
];

impl Trail {
    /// Reads it from a record's headers; `None` when the record was not moved.
    pub fn of(headers: &Headers) -> Option<Self> {
        let start = start(headers)?;
        let all: Vec<_> = headers.iter().skip(start).collect();
        let text = |index: usize| -> Option<&str> {
            std::str::from_utf8(all.get(index)?.value.as_deref()?).ok()
        };
        let time = |index| Some(Timestamp::from_millis(text(index)?.parse().ok()?));
        Some(Self {
            original: Original {
                topic: text(0)?.to_owned(),
                partition: text(1)?.parse().ok()?,
                offset: text(2)?.parse().ok()?,
                timestamp: time(3),
            },
            group: text(4)?.to_owned(),
            attempts: text(5)?.parse().ok()?,
            first_failure: time(6)?,
            last_failure: time(7)?,
            error: ErrorInfo {
                class: text(8)?.to_owned(),
                text: text(9)?.to_owned(),
            },
            reason: text(10)?.to_owned(),
            due: time(11),
        })
    }

    /// The original message's headers: these without the trail.
    pub fn strip(headers: &Headers) -> Headers {
        let kept = start(headers).unwrap_or(headers.len());
        headers.iter().take(kept).cloned().collect()
    }

    /// Those headers, which are the original's, with this trail behind them.
    pub fn append_to(&self, headers: &Headers) -> Headers {
        let millis = |time: Option<Timestamp>| {
            time.map_or(String::new(), |time| time.as_millis().to_string())
        };
        let values: [Cow<'_, str>; 12] = [
            (&*self.original.topic).into(),
            self.original.partition.to_string().into(),
            self.original.offset.to_string().into(),
            millis(self.original.timestamp).into(),
            (&*self.group).into(),
            self.attempts.to_string().into(),
            millis(Some(self.first_failure)).into(),
            millis(Some(self.last_failure)).into(),
            cut(&self.error.class, LONGEST_CLASS).into(),
            cut(&self.error.text, LONGEST_TEXT).into(),
            (&*self.reason).into(),
            millis(self.due).into(),
        ];
        let ours = NAMES.iter().zip(values).map(|(name, value)| Header {
            name: (*name).to_owned(),
            value: Some(value.into_owned().into_bytes().into()),
        });
        headers.iter().cloned().chain(ours).collect()
    }
}

/// Where the trail begins. It is whole and at the end, or there is none: a
/// message that was once redirected by somebody else keeps what it has.
fn start(headers: &Headers) -> Option<usize> {
    let start = headers.len().checked_sub(NAMES.len())?;
    let ours = headers.iter().skip(start).map(|header| &*header.name);
    ours.eq(NAMES).then_some(start)
}

/// As much of the text as fits into so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail() -> Trail {
        Trail {
            original: Original {
                topic: "orders".into(),
                partition: 3,
                offset: 17,
                timestamp: Some(Timestamp::from_millis(1_000)),
            },
            group: "billing".into(),
            attempts: 2,
            first_failure: Timestamp::from_millis(2_000),
            last_failure: Timestamp::from_millis(3_000),
            error: ErrorInfo {
                class: "shop::Declined".into(),
                text: "no".into(),
            },
            reason: "retry".into(),
            due: Some(Timestamp::from_millis(4_000)),
        }
    }

    fn original() -> Headers {
        let mut headers = Headers::new();
        headers.insert("trace", "a");
        // Of an earlier life in another group: not ours.
        headers.insert("retry.attempt", "9");
        headers.push(Header {
            name: "null".into(),
            value: None,
        });
        headers
    }

    #[test]
    fn it_is_read_as_it_was_written_and_leaves_the_original_headers_alone() {
        let moved = trail().append_to(&original());
        assert_eq!(Trail::of(&moved), Some(trail()));
        assert_eq!(Trail::strip(&moved), original());
        assert_eq!(Trail::of(&original()), None);
        assert_eq!(Trail::strip(&original()), original());
    }

    #[test]
    fn a_dead_letter_consumed_and_failed_again_keeps_its_first_trail() {
        let dead = trail().append_to(&original());
        let again = trail().append_to(&dead);
        assert_eq!(Trail::strip(&again), dead);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut long = trail();
        long.error.text = "ü".repeat(10_000);
        let moved = long.append_to(&Headers::new());
        let read = Trail::of(&moved).expect("a trail");
        assert_eq!(read.error.text.len(), LONGEST_TEXT);
    }
}
