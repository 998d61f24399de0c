use rdkafka::Timestamp as ClientTimestamp;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use serde::Serialize;

use crate::management::text::Shown;
use crate::management::time::rfc3339;
use crate::message::Timestamp;

/// A message as `--json` shows it.
///
/// Keys and values are text. Bytes that are no UTF-8 are in hexadecimal, and
/// then `…_encoding` says `hex`. `null` is null: no key, or a tombstone.
#[derive(Debug, Serialize)]
pub(super) struct Printed<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    /// RFC 3339, milliseconds where that has no such time; `null` in records without a time.
    timestamp: Option<String>,
    timestamp_ms: Option<i64>,
    #[serde(flatten)]
    key: Field<'a>,
    #[serde(flatten)]
    value: Field<'a>,
    headers: Vec<PrintedHeader<'a>>,
}

/// A member `name`, and a second one `name_encoding` where it is needed.
#[derive(Debug)]
struct Field<'a> {
    name: &'static str,
    encoding: &'static str,
    bytes: Option<Shown<'a>>,
}

impl Serialize for Field<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        match &self.bytes {
            None => map.serialize_entry(self.name, &())?,
            Some(Shown::Text(text)) => map.serialize_entry(self.name, text)?,
            Some(Shown::Hex(hex)) => {
                map.serialize_entry(self.name, hex)?;
                map.serialize_entry(self.encoding, "hex")?;
            }
        }
        map.end()
    }
}

#[derive(Debug, Serialize)]
struct PrintedHeader<'a> {
    name: &'a str,
    #[serde(flatten)]
    value: Field<'a>,
}

fn value_field(bytes: Option<&[u8]>) -> Field<'_> {
    Field {
        name: "value",
        encoding: "value_encoding",
        bytes: bytes.map(Shown::new),
    }
}

impl<'a> Printed<'a> {
    pub(super) fn new(message: &'a BorrowedMessage<'_>) -> Self {
        let time = match message.timestamp() {
            ClientTimestamp::NotAvailable => None,
            ClientTimestamp::CreateTime(millis) | ClientTimestamp::LogAppendTime(millis) => {
                Some(millis)
            }
        };
        let headers = message.headers().map(|headers| {
            let headers = headers.iter().map(|header| PrintedHeader {
                name: header.key,
                value: value_field(header.value),
            });
            headers.collect()
        });
        Self {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: time.map(|millis| rfc3339(Timestamp::from_millis(millis))),
            timestamp_ms: time,
            key: Field {
                name: "key",
                encoding: "key_encoding",
                bytes: message.key().map(Shown::new),
            },
            value: value_field(message.payload()),
            headers: headers.unwrap_or_default(),
        }
    }
}

/// One line for people:
/// `orders[0]@42 2026-01-31T08:00:00.000Z key=ann trace=1 | {"total":5}`.
impl std::fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |field: &Field<'_>, none: &str| match &field.bytes {
            Some(bytes) => bytes.one_line(),
            None => none.to_owned(),
        };
        write!(f, "{}[{}]@{}", self.topic, self.partition, self.offset)?;
        if let Some(timestamp) = &self.timestamp {
            write!(f, " {timestamp}")?;
        }
        if self.key.bytes.is_some() {
            write!(f, " key={}", shown(&self.key, ""))?;
        }
        for header in &self.headers {
            let name = Shown::Text(header.name).one_line();
            write!(f, " {name}={}", shown(&header.value, "(null)"))?;
        }
        write!(f, " | {}", shown(&self.value, "(tombstone)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>) -> Printed<'a> {
        Printed {
            topic: "orders",
            partition: 3,
            offset: 42,
            timestamp: Some(rfc3339(Timestamp::from_millis(1_769_846_400_000))),
            timestamp_ms: Some(1_769_846_400_000),
            key: Field {
                name: "key",
                encoding: "key_encoding",
                bytes: key.map(Shown::new),
            },
            value: value_field(value),
            headers: vec![PrintedHeader {
                name: "trace",
                value: value_field(Some(b"t1")),
            }],
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let text = printed(Some(b"ann"), Some(b"{\n}")).to_string();
        let expected = "orders[3]@42 2026-01-31T08:00:00.000Z key=ann trace=t1 | {\\n}";
        assert_eq!(text, expected);
        assert!(
            printed(None, None)
                .to_string()
                .ends_with("Z trace=t1 | (tombstone)")
        );
    }

    #[test]
    fn json_tells_null_from_text_and_text_from_bytes() {
        let json = serde_json::to_value(printed(Some(b"\xff"), None)).expect("JSON");
        assert_eq!(json["key"], "ff");
        assert_eq!(json["key_encoding"], "hex");
        assert!(json["value"].is_null() && json.get("value_encoding").is_none());
        assert_eq!(json["headers"][0]["name"], "trace");
        assert_eq!(json["timestamp_ms"], 1_769_846_400_000_i64);
    }
}
