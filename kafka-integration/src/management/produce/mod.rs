mod csv;
mod file;
mod json_lines;
mod lines;
mod positions;
mod rows;

use std::time::Duration;

use serde_json::json;

use super::topics::literal;
use super::{CommandError, Management};
use crate::admin::Cluster;
use crate::kafka::{Kafka, KafkaError};
use crate::message::{Header, Headers, Timestamp};
use crate::producer::Outgoing;
use crate::settings::ClientKind;
use crate::topic::TopicName;
use rows::{Format, RowOptions};

/// How long a single message may take.
const SINGLE_TIMEOUT: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
Examples:
  kafka-produce orders --key ann --value '{\"total\":5}' --header trace=t1
  kafka-produce customers --key ann --tombstone
  kafka-produce orders --file orders.csv --key-column customer
  kafka-produce orders --file orders.csv --no-header        rows are `key,value`
  jq -c '.[]' orders.json | kafka-produce orders --file - --format jsonl

A CSV row becomes a JSON object by the header, its cells as text (see --typed);
a JSON line goes byte for byte. A bad line ends the command once everything
before it is acknowledged; --skip-bad reports it and goes on.";

/// `kafka-produce`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = EXAMPLES,
    group(clap::ArgGroup::new("what").required(true).args(["value", "tombstone", "file"]))
)]
pub struct Produce {
    /// The topic, declared in the application or not
    topic: String,
    /// The key; none unless given
    #[arg(long, short, conflicts_with = "file", allow_hyphen_values = true)]
    key: Option<String>,
    /// The value
    #[arg(long, short, allow_hyphen_values = true)]
    value: Option<String>,
    /// A null value, which deletes the key in a compacted topic
    #[arg(long, requires = "key")]
    tombstone: bool,
    /// A header, of every message; may be given many times
    #[arg(long, short = 'H', value_name = "NAME=VALUE", value_parser = parse_header)]
    header: Vec<(String, String)>,
    /// The partition; chosen by the key unless given
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// The time: milliseconds since 1970, or as in 2026-01-31T08:00:00Z; now
    /// unless given
    #[arg(long, value_name = "TIME")]
    timestamp: Option<Timestamp>,
    /// A file with a message on each row; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,
    /// How the file is written; by its extension (.csv, .jsonl, .ndjson) unless given
    #[arg(long, conflicts_with_all = ["value", "tombstone"])]
    format: Option<Format>,
    /// The column (CSV) or field (JSON) that is the key; it stays in the value.
    /// An empty cell is no key, a row without the field is bad
    #[arg(long, value_name = "NAME", conflicts_with_all = ["value", "tombstone"])]
    key_column: Option<String>,
    /// CSV without a header: rows are `key,value`, sent as they stand
    #[arg(long, conflicts_with_all = ["value", "tombstone", "key_column", "typed"])]
    no_header: bool,
    /// CSV: numbers, true, false and empty cells become JSON's own instead of
    /// text; no digit is lost, and 007 stays text
    #[arg(long, conflicts_with_all = ["value", "tombstone"])]
    typed: bool,
    /// Report bad rows and go on instead of stopping at the first
    #[arg(long, conflicts_with_all = ["value", "tombstone"])]
    skip_bad: bool,
    /// A cluster of the settings (clusters.NAME); the default one unless given
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a header is written NAME=VALUE, as in trace=t1".to_owned()),
    }
}

impl Produce {
    pub(super) async fn run(self, mut management: Management) -> Result<(), CommandError> {
        let topic = literal(&self.topic)?;
        let input = self.input()?;
        let kafka = self.kafka(&mut management)?;
        // Says within seconds that nobody answers; the producer would go on
        // trying for minutes.
        drop(Cluster::connect(&kafka, self.cluster.as_deref()).await?);
        match input {
            None => self.one(&kafka, &topic, &management).await,
            Some(input) => file::produce(&self, input, &kafka, &topic, &management).await,
        }
    }

    /// A handle, whose producer gives a single message up after
    /// [`SINGLE_TIMEOUT`] unless the settings say otherwise: somebody waits for
    /// it. The rows of a file may well wait longer for one another.
    fn kafka(&self, management: &mut Management) -> Result<Kafka, CommandError> {
        let mut settings = management.load_settings()?;
        let cluster = match &self.cluster {
            None => Some(&mut settings.cluster),
            Some(name) => settings.clusters.get_mut(name),
        };
        if let Some(cluster) = cluster.filter(|_| self.file.is_none()) {
            let config = cluster.client_config(ClientKind::Producer, &[])?;
            // librdkafka refuses to linger for longer than a message may take.
            if ["message.timeout.ms", "linger.ms"]
                .iter()
                .all(|name| config.get(name).is_none())
            {
                let millis = SINGLE_TIMEOUT.as_millis().to_string();
                cluster.producer_config.set("message.timeout.ms", millis);
            }
        }
        management.settings = Some(settings);
        management.kafka()
    }

    /// The file and how it is to be read, when there is one.
    fn input(&self) -> Result<Option<Input>, CommandError> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let format = self.format.or_else(|| Format::guess(file)).ok_or_else(|| {
            CommandError::usage(format!(
                "how `{file}` is written can't be told by its name; give --format csv or \
                 --format jsonl"
            ))
        })?;
        if format == Format::Jsonl && (self.no_header || self.typed) {
            return Err(CommandError::usage(
                "--no-header and --typed are for CSV; a JSON line goes as it is",
            ));
        }
        Ok(Some(Input {
            file: file.clone(),
            format,
        }))
    }

    /// A record with what all records of this call have in common.
    fn blank(&self) -> Outgoing {
        let headers = self.header.iter().map(|(name, value)| Header {
            name: name.clone(),
            value: Some(value.clone().into_bytes().into()),
        });
        Outgoing {
            headers: headers.collect::<Headers>(),
            partition: self.partition,
            timestamp: self.timestamp,
            ..Outgoing::default()
        }
    }

    async fn one(
        &self,
        kafka: &Kafka,
        topic: &TopicName,
        management: &Management,
    ) -> Result<(), CommandError> {
        let record = Outgoing {
            key: self.key.clone().map(String::into_bytes),
            payload: self.value.clone().map(String::into_bytes),
            ..self.blank()
        };
        let producer = kafka.producer(self.cluster.as_deref())?;
        let delivery = producer
            .send_outgoing(topic.as_str(), &record)
            .await
            .map_err(CommandError::failed)?;
        if self.json {
            return management.console.json(&json!({
                "topic": topic.as_str(),
                "partition": delivery.partition,
                "offset": delivery.offset,
            }));
        }
        management.console.line(format_args!(
            "produced to {topic}[{}]@{}",
            delivery.partition, delivery.offset
        ))
    }

    /// How rows become records.
    fn rows(&self, kafka: &Kafka) -> Result<RowOptions, KafkaError> {
        let cluster = self.cluster.as_deref();
        let config = kafka.client_config(cluster, ClientKind::Producer, &[])?;
        // librdkafka's own default.
        const MESSAGE_MAX_BYTES: usize = 1_000_000;
        let limit = config.get("message.max.bytes");
        Ok(RowOptions {
            key_column: self.key_column.clone(),
            no_header: self.no_header,
            typed: self.typed,
            limit: limit
                .and_then(|limit| limit.parse().ok())
                .unwrap_or(MESSAGE_MAX_BYTES),
        })
    }
}

/// A file to be produced.
struct Input {
    file: String,
    format: Format,
}
