use rdkafka::error::RDKafkaErrorCode as Code;

use super::error::{ClientErrorCode, ProduceError, Written};
use crate::native::producer::Report;

/// Longest key text that an error carries, in characters.
const KEY_TEXT: usize = 64;

/// Stands for the reason of a fatal error that the client did not give.
pub(crate) const NO_REASON: &str = "no reason given";

/// What is known about a record that the client refused or gave up, in a form
/// that can be kept and told more than once.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) topic: String,
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<String>,
    pub(crate) size: usize,
    pub(crate) code: Code,
    pub(crate) written: Written,
}

impl Failure {
    /// Of a record whose report was lost with the thread that took it.
    pub(crate) fn without_report() -> Self {
        Self {
            topic: "(not known)".to_owned(),
            partition: None,
            key: None,
            size: 0,
            code: Code::Fatal,
            written: Written::Maybe,
        }
    }

    pub(crate) fn of(report: &Report<'_>, code: Code) -> Self {
        Self {
            topic: report.topic().into_owned(),
            partition: (report.partition() >= 0).then(|| report.partition()),
            key: printable(report.key()),
            size: report.size(),
            code,
            written: report.written(),
        }
    }

    /// As the caller's error; `fatal` is the client's reason once it gave up.
    pub(crate) fn into_error(self, fatal: Option<&str>) -> ProduceError {
        let Self {
            topic,
            partition,
            size,
            code,
            written,
            ..
        } = self;
        // A client that gave up purges what it still has.
        let code = match code {
            Code::PurgeQueue | Code::PurgeInflight if fatal.is_some() => Code::Fatal,
            code => code,
        };
        match code {
            Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
                ProduceError::TooLarge { topic, size }
            }
            Code::UnknownPartition => ProduceError::UnknownPartition {
                topic,
                partition: partition.unwrap_or(-1),
            },
            Code::UnknownTopic | Code::UnknownTopicOrPartition => {
                ProduceError::UnknownTopic { topic }
            }
            Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => {
                ProduceError::Unauthorized {
                    topic,
                    reason: code,
                }
            }
            Code::MessageTimedOut => ProduceError::TimedOut {
                topic,
                partition,
                written,
            },
            Code::PurgeQueue | Code::PurgeInflight => ProduceError::Abandoned { topic, written },
            Code::Fatal => ProduceError::Fatal {
                topic,
                reason: fatal.unwrap_or(NO_REASON).to_owned(),
                written,
            },
            code => ProduceError::Client {
                topic,
                partition,
                code: ClientErrorCode(code),
                written,
            },
        }
    }
}

/// A key as text for an error: `None` when there is none, or it is not text.
pub(crate) fn printable(key: Option<&[u8]>) -> Option<String> {
    let text = std::str::from_utf8(key?).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut short: String = text.chars().take(KEY_TEXT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: Code, written: Written) -> ProduceError {
        failure(code, written).into_error(None)
    }

    fn failure(code: Code, written: Written) -> Failure {
        Failure {
            topic: "orders".into(),
            partition: Some(3),
            key: None,
            size: 5_000,
            code,
            written,
        }
    }

    #[test]
    fn every_error_names_the_topic_and_what_to_do() {
        for (code, advice) in [
            (Code::MessageSizeTooLarge, "message.max.bytes"),
            (Code::UnknownPartition, "leave the partition out"),
            (Code::UnknownTopic, "kafka-topics create orders"),
            (Code::TopicAuthorizationFailed, "WRITE"),
            (Code::MessageTimedOut, "kafka-check"),
            (Code::PurgeInflight, "shutdown_timeout"),
            (Code::Fatal, "restart the process"),
            (Code::NotEnoughReplicas, "NotEnoughReplicas"),
        ] {
            let text = failed(code, Written::Maybe).to_string();
            assert!(text.contains("orders") && text.contains(advice), "{text}");
        }
    }

    #[test]
    fn a_timeout_says_whether_the_record_may_be_there() {
        let unsent = failed(Code::MessageTimedOut, Written::No);
        assert_eq!(unsent.written(), Written::No);
        assert!(unsent.to_string().contains("it was not written"));
        let unanswered = failed(Code::MessageTimedOut, Written::Maybe);
        assert!(unanswered.to_string().contains("may or may not"));
    }

    #[test]
    fn what_a_failed_client_purges_has_its_reason() {
        for code in [Code::Fatal, Code::PurgeQueue, Code::PurgeInflight] {
            let error = failure(code, Written::Maybe).into_error(Some("lost its sequence"));
            assert!(matches!(error, ProduceError::Fatal { .. }), "{error}");
            assert!(error.to_string().contains("lost its sequence"), "{error}");
        }
    }

    #[test]
    fn keys_are_shown_when_they_are_text() {
        assert_eq!(printable(Some(b"ann")), Some("ann".into()));
        assert_eq!(printable(Some(&[0, 0, 0, 7])), None);
        assert_eq!(printable(Some(&[0xff])), None);
        assert_eq!(printable(None), None);
        let long = printable(Some("ü".repeat(100).as_bytes())).expect("text");
        assert_eq!(long.chars().count(), KEY_TEXT + 1);
    }
}
