use serde_json::json;

use super::table::{Table, counted, or_dash, thousands};
use super::{CommandError, Management};
use crate::admin::{Cluster, NewTopic, TopicDescription};
use crate::topic::TopicName;

const EXAMPLES: &str = "\
Examples:
  kafka-topics list
  kafka-topics describe orders
  kafka-topics create orders --partitions 12 --config retention.ms=604800000
  kafka-topics list --cluster analytics --json";

/// `kafka-topics`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Topics {
    #[command(subcommand)]
    action: Action,
    /// A cluster of the settings (clusters.NAME); the default one unless given
    #[arg(long, value_name = "NAME", global = true)]
    cluster: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Action {
    /// List the topics of the cluster
    #[command(after_help = "Example:\n  kafka-topics list --all")]
    List {
        /// Kafka's own too (names that begin with two underscores)
        #[arg(long)]
        all: bool,
    },
    /// Show a topic's partitions, leaders, offsets and settings
    #[command(after_help = "Example:\n  kafka-topics describe orders")]
    Describe {
        /// The topic
        topic: String,
    },
    /// Create a topic
    #[command(
        after_help = "Example:\n  kafka-topics create orders --partitions 12 --replication-factor 3 \
                      --config cleanup.policy=compact"
    )]
    Create {
        /// The topic
        topic: String,
        /// How many partitions; the brokers' num.partitions unless given
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        partitions: Option<i32>,
        /// How many brokers hold each partition; the brokers'
        /// default.replication.factor unless given
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=i64::from(i16::MAX)))]
        replication_factor: Option<i32>,
        /// A setting of the topic; may be given many times
        #[arg(long, value_name = "KEY=VALUE", value_parser = parse_setting)]
        config: Vec<(String, String)>,
    },
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a setting is written KEY=VALUE, as in retention.ms=604800000".to_owned()),
    }
}

impl Topics {
    pub(super) async fn run(self, mut management: Management) -> Result<(), CommandError> {
        if let Action::Describe { topic } | Action::Create { topic, .. } = &self.action {
            literal(topic)?;
        }
        let kafka = management.kafka()?;
        let cluster = Cluster::connect(&kafka, self.cluster.as_deref()).await?;
        match &self.action {
            Action::List { all } => self.list(&management, &cluster, *all).await,
            Action::Describe { topic } => {
                let description = cluster.describe(topic).await?;
                if self.json {
                    return management.console.json(&description);
                }
                management.console.line(describe(&description))
            }
            Action::Create {
                topic,
                partitions,
                replication_factor,
                config,
            } => {
                let mut new = NewTopic::new(topic);
                if let Some(partitions) = partitions {
                    new = new.partitions(*partitions);
                }
                if let Some(replication_factor) = replication_factor {
                    new = new.replication_factor(*replication_factor);
                }
                for (name, value) in config {
                    new = new.config(name, value);
                }
                cluster.create(new).await?;
                if self.json {
                    return management.console.json(&json!({ "created": topic }));
                }
                management
                    .console
                    .line(format_args!("created topic {topic}"))
            }
        }
    }

    async fn list(
        &self,
        management: &Management,
        cluster: &Cluster,
        all: bool,
    ) -> Result<(), CommandError> {
        let mut topics = cluster.topics().await?;
        topics.retain(|topic| all || !topic.name.starts_with("__"));
        if self.json {
            return management.console.json(&topics);
        }
        if topics.is_empty() {
            management.console.notice(format_args!(
                "the cluster at {} has no topics",
                cluster.address()
            ));
            return Ok(());
        }
        let mut table = Table::new(["TOPIC", "PARTITIONS", "REPLICATION"]);
        for topic in topics {
            table.row([
                topic.name,
                topic.partitions.len().to_string(),
                topic.replication_factor.to_string(),
            ]);
        }
        management.console.line(table)
    }
}

/// A name that stands for one topic.
pub(super) fn literal(name: &str) -> Result<TopicName, CommandError> {
    let name = TopicName::parse(name)?;
    if name.is_pattern() {
        return Err(CommandError::usage(format!(
            "`{name}` is a pattern, and this needs one topic; `kafka-topics list` shows the names"
        )));
    }
    Ok(name)
}

fn describe(topic: &TopicDescription) -> String {
    let mut table = Table::new([
        "PARTITION",
        "LEADER",
        "REPLICAS",
        "IN SYNC",
        "BEGINNING",
        "END",
        "MESSAGES",
    ]);
    let brokers = |ids: &[i32]| {
        let ids: Vec<_> = ids.iter().map(i32::to_string).collect();
        ids.join(",")
    };
    for partition in &topic.partitions {
        let span = partition.beginning.zip(partition.end);
        let messages = span.map(|(beginning, end)| (end - beginning).max(0).unsigned_abs());
        table.row([
            partition.partition.to_string(),
            or_dash(partition.leader),
            brokers(&partition.replicas),
            brokers(&partition.in_sync),
            or_dash(partition.beginning),
            or_dash(partition.end),
            or_dash(messages.map(thousands)),
        ]);
    }
    let mut text = format!(
        "topic {}: {}\n{table}",
        topic.name,
        counted(topic.partitions.len() as u64, "partition")
    );
    match &topic.config {
        None => text.push_str("\nthe brokers don't tell its settings"),
        Some(entries) if entries.is_empty() => text.push_str("\nall settings are Kafka's defaults"),
        Some(entries) => {
            text.push_str("\nsettings that are no defaults:");
            for entry in entries {
                let value = entry.value.as_deref().unwrap_or("(secret)");
                text.push_str(&format!("\n  {}={value}", entry.name));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Partition;

    #[test]
    fn a_description_shows_what_is_not_there() {
        let description = TopicDescription {
            name: "orders".into(),
            partitions: vec![Partition {
                partition: 0,
                leader: None,
                replicas: vec![1, 2],
                in_sync: vec![],
                beginning: None,
                end: None,
            }],
            config: None,
        };
        let text = describe(&description);
        let row = text.lines().nth(2).expect("a row");
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells, ["0", "-", "1,2", "-", "-", "-"]);
        assert!(text.ends_with("don't tell its settings"));
    }

    #[test]
    fn settings_are_key_and_value() {
        assert_eq!(parse_setting("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(parse_setting("retention.ms").is_err());
        assert!(parse_setting("=1").is_err());
    }
}
