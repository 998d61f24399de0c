use serde_json::{Map, Value, json};

use super::{Common, time};
use crate::management::text::{Shown, hex};
use crate::management::{CommandError, Management};
use crate::message::{Headers, Timestamp};
use crate::retry::dead::{Action, DeadLetter, Filter, Found, Outcome};

const EXAMPLES: &str = "\
Examples:
  kafka-dlt show billing.orders.dlt --first
  kafka-dlt show billing.orders.dlt 2:1500
  kafka-dlt show billing.orders.dlt 2:1500 --json | jq .value";

/// How much of a value that is no text is shown.
const PREVIEW: usize = 256;

#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = EXAMPLES,
    // The group would come first.
    override_usage = "kafka-dlt show [OPTIONS] <TOPIC> <PARTITION:OFFSET|--first>",
    group(clap::ArgGroup::new("which").required(true).args(["place", "first"]))
)]
pub(super) struct Show {
    /// The dead-letter topic
    topic: String,
    /// Which: its partition and offset in the dead-letter topic
    #[arg(value_name = "PARTITION:OFFSET", value_parser = place)]
    place: Option<(i32, i64)>,
    /// The first open one
    #[arg(long)]
    first: bool,
}

fn place(text: &str) -> Result<(i32, i64), String> {
    let parsed = text.split_once(':').and_then(|(partition, offset)| {
        Some((partition.parse::<u16>().ok()?, offset.parse::<u64>().ok()?))
    });
    let parsed = parsed
        .and_then(|(partition, offset)| Some((i32::from(partition), i64::try_from(offset).ok()?)));
    parsed.ok_or_else(|| "give a partition and an offset, as in 2:1500".to_owned())
}

impl Show {
    pub(super) async fn run(
        self,
        common: &Common,
        mut management: Management,
    ) -> Result<(), CommandError> {
        let dead = common.open(&mut management, &self.topic).await?;
        let found = match self.place {
            Some((partition, offset)) => dead.at(partition, offset).await?.ok_or_else(|| {
                CommandError::failed(format!(
                    "there is no record at partition {partition}, offset {offset} of `{}`",
                    self.topic
                ))
            })?,
            None => dead.first(&Filter::default()).await?.ok_or_else(|| {
                CommandError::failed(format!("`{}` has no open dead letter", self.topic))
            })?,
        };
        let console = &management.console;
        if common.json {
            let mut map = as_json(&found.letter);
            map["topic"] = self.topic.into();
            map["outcome"] = found.outcome.as_ref().map_or(Value::Null, outcome_json);
            return console.json(&map);
        }
        console.line(shown(&self.topic, &found))
    }
}

fn outcome_json(outcome: &Outcome) -> Value {
    json!({
        "action": outcome.action,
        "at": time::rfc3339(outcome.at),
        "at_ms": outcome.at.as_millis(),
        "by": outcome.by,
        "target": outcome.target,
    })
}

/// Text as text, and other bytes in hexadecimal with `NAME_encoding` beside.
fn insert_bytes(map: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    let value = match bytes.map(Shown::new) {
        None => Value::Null,
        Some(Shown::Text(text)) => text.into(),
        Some(Shown::Hex(hex)) => {
            map.insert(format!("{name}_encoding"), "hex".into());
            hex.into()
        }
    };
    map.insert(name.to_owned(), value);
}

fn headers_json(headers: &Headers) -> Value {
    let headers = headers.iter().map(|header| {
        let mut map = Map::new();
        map.insert("name".to_owned(), header.name.clone().into());
        insert_bytes(&mut map, "value", header.value.as_deref());
        Value::Object(map)
    });
    headers.collect()
}

/// Keys, values and headers as `kafka-tail --json` has them.
pub(super) fn as_json(letter: &DeadLetter) -> Value {
    let mut map = Map::new();
    map.insert("partition".to_owned(), letter.partition.into());
    map.insert("offset".to_owned(), letter.offset.into());
    let time = |time: Option<Timestamp>| json!(time.map(time::rfc3339));
    map.insert("timestamp".to_owned(), time(letter.timestamp));
    let millis = letter.timestamp.map(Timestamp::as_millis);
    map.insert("timestamp_ms".to_owned(), json!(millis));
    insert_bytes(&mut map, "key", letter.key.as_deref());
    insert_bytes(&mut map, "value", letter.value.as_deref());
    map.insert("headers".to_owned(), headers_json(&letter.headers));
    let trail = letter.trail.as_ref().map(|trail| {
        json!({
            "original": {
                "topic": trail.original.topic,
                "partition": trail.original.partition,
                "offset": trail.original.offset,
                "timestamp": time(trail.original.timestamp),
                "timestamp_ms": trail.original.timestamp.map(Timestamp::as_millis),
            },
            "group": trail.group,
            "attempts": trail.attempts,
            "first_failure": time::rfc3339(trail.first_failure),
            "first_failure_ms": trail.first_failure.as_millis(),
            "last_failure": time::rfc3339(trail.last_failure),
            "last_failure_ms": trail.last_failure.as_millis(),
            "reason": trail.reason,
            "class": trail.error.class,
            "error": trail.error.text,
        })
    });
    map.insert("trail".to_owned(), trail.unwrap_or_default());
    Value::Object(map)
}

fn shown(topic: &str, found: &Found) -> String {
    let letter = &found.letter;
    let mut lines = vec![format!("{topic}[{}]@{}", letter.partition, letter.offset)];
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<15}{value}"));
    let safe = |text: &str| Shown::new(text.as_bytes()).one_line();
    match &letter.trail {
        Some(trail) => {
            let original = &trail.original;
            let place = format!(
                "{}[{}]@{}",
                safe(&original.topic),
                original.partition,
                original.offset
            );
            line("came from", place);
            line("group", safe(&trail.group));
            line("reason", safe(&trail.reason));
            line("error class", safe(&trail.error.class));
            line("error", safe(&trail.error.text));
            line("attempts", trail.attempts.to_string());
            line("first failure", time::rfc3339(trail.first_failure));
            let last = trail.last_failure;
            let last = format!("{} ({} ago)", time::rfc3339(last), time::ago(last));
            line("last failure", last);
        }
        None => line("came from", "(it doesn't say)".to_owned()),
    }
    if let Some(written) = letter.timestamp {
        line("written", time::rfc3339(written));
    }
    let became = match &found.outcome {
        None => "open".to_owned(),
        Some(outcome) => became(outcome),
    };
    line("state", became);
    for header in &letter.headers {
        let value = match &header.value {
            None => "(null)".to_owned(),
            Some(value) => Shown::new(value).one_line(),
        };
        line("header", format!("{}={value}", safe(&header.name)));
    }
    let key = match &letter.key {
        None => "(none)".to_owned(),
        Some(key) => Shown::new(key).one_line(),
    };
    line("key", key);
    let (about, value) = value(letter.value.as_deref());
    line("value", about);
    lines.extend(value);
    lines.join("\n")
}

fn became(outcome: &Outcome) -> String {
    let (at, by) = (time::rfc3339(outcome.at), &outcome.by);
    match (outcome.action, &outcome.target) {
        (Action::Redrive, Some(target)) => format!("redriven to {target} {at} by {by}"),
        (Action::Redrive, None) => format!("redriven {at} by {by}"),
        (Action::Discard, _) => format!("discarded {at} by {by}"),
    }
}

/// What a value is, and its lines: JSON over as many as it needs.
fn value(bytes: Option<&[u8]>) -> (String, Vec<String>) {
    let Some(bytes) = bytes else {
        return ("(tombstone)".to_owned(), Vec::new());
    };
    let length = format!("{} bytes", bytes.len());
    let Ok(text) = std::str::from_utf8(bytes) else {
        let preview = &bytes[..bytes.len().min(PREVIEW)];
        let about = match preview.len() < bytes.len() {
            true => format!("{length} that are no text, the first {PREVIEW} of them:"),
            false => format!("{length} that are no text:"),
        };
        return (about, vec![hex(preview)]);
    };
    let value: Option<Value> = serde_json::from_str(text).ok();
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let (kind, text) = match &pretty {
        Some(pretty) => ("JSON", pretty.as_str()),
        None => ("text", text),
    };
    let lines = text.lines();
    let lines = lines.map(|line| Shown::new(line.as_bytes()).one_line());
    (format!("{kind}, {length}:"), lines.collect())
}
