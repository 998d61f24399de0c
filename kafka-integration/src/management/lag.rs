use serde::Serialize;

use super::consume::NO_CONSUMERS;
use super::pattern::matching;
use super::table::{Table, or_dash, thousands};
use super::{CommandError, Management};
use crate::admin::{Cluster, PartitionLag};
use crate::consumer::{ConsumerSpec, Registry};
use crate::kafka::Kafka;

const EXAMPLES: &str = "\
Examples:
  kafka-lag                        each registered consumer
  kafka-lag BillingConsumer        only this one
  kafka-lag --group reporting      any group, wherever it has committed
  kafka-lag --json | jq '.[].lag'

A message that fails or takes long holds the committed offset back. DONE ABOVE says
how many of the messages behind it (they count as lag) are finished all the same.
Retry topics have a group of their own, which is shown where there are any. A
transaction ends in a marker, which takes an offset and is no message: behind the
last one, a lag of 1 stands until the next message.";

/// `kafka-lag`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Lag {
    /// Names of consumers (see kafka-consumers); all of them unless given
    #[arg(conflicts_with = "group")]
    names: Vec<String>,
    /// A consumer group, registered here or not
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// The group's cluster of the settings (clusters.NAME); consumers know theirs
    #[arg(long, value_name = "NAME", requires = "group")]
    cluster: Option<String>,
    /// Print JSON: a list of objects, one for each group
    #[arg(long)]
    json: bool,
}

/// The lag of one group, as `--json` shows it.
#[derive(Debug, Serialize)]
struct GroupLag {
    /// The consumer's name; `null` for a group asked for by `--group`.
    consumer: Option<String>,
    group_id: String,
    /// The sum of what is known.
    lag: u64,
    partitions: Vec<PartitionLag>,
}

impl GroupLag {
    fn new(consumer: Option<String>, group_id: String, partitions: Vec<PartitionLag>) -> Self {
        Self {
            consumer,
            group_id,
            lag: partitions
                .iter()
                .filter_map(|partition| partition.lag)
                .sum(),
            partitions,
        }
    }
}

impl Lag {
    pub(super) async fn run(self, mut management: Management) -> Result<(), CommandError> {
        let registry = management.take_registry();
        let selected = match &self.group {
            Some(_) => Registry::new(),
            None => registry.select(&self.names)?,
        };
        if self.group.is_none() && selected.consumers().is_empty() {
            return Err(CommandError::usage(format!(
                "{NO_CONSUMERS}; `--group GROUP` shows any group"
            )));
        }
        let kafka = management.kafka()?;
        let mut groups = Vec::new();
        if let Some(group) = &self.group {
            let cluster = Cluster::connect(&kafka, self.cluster.as_deref()).await?;
            let partitions = cluster.lag_everywhere(group).await?;
            groups.push(GroupLag::new(None, group.clone(), partitions));
        }
        for consumer in selected.consumers() {
            groups.extend(of_consumer(&kafka, consumer).await?);
        }
        if self.json {
            return management.console.json(&groups);
        }
        for group in &groups {
            management.console.line(shown(group))?;
        }
        Ok(())
    }
}

/// Of a consumer, and of what consumes its retry topics when there are any.
async fn of_consumer(
    kafka: &Kafka,
    consumer: &ConsumerSpec,
) -> Result<Vec<GroupLag>, CommandError> {
    let settings = kafka.settings().cluster(consumer.cluster.as_deref())?;
    let retry = settings.topic_names();
    let cluster = Cluster::connect(kafka, consumer.cluster.as_deref()).await?;
    let topics = cluster.topics().await?;
    let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
    let (mut wanted, mut retried) = (Vec::new(), Vec::new());
    for topic in &consumer.topics {
        let matched = matching(topic.name(), &names);
        wanted.extend(matched.unwrap_or_default());
        let pattern = retry.retry_pattern(&consumer.group_id, topic.name());
        retried.extend(matching(&pattern, &names).unwrap_or_default());
    }
    let name = consumer.name.clone();
    let partitions = cluster.lag(&consumer.group_id, &wanted).await?;
    let source = GroupLag::new(Some(name), consumer.group_id.clone(), partitions);
    if retried.is_empty() {
        return Ok(vec![source]);
    }
    let name = format!("{}.{}", consumer.name, retry.retry_suffix);
    let group = retry.retry_group(&consumer.group_id);
    let partitions = cluster.lag(&group, &retried).await?;
    Ok(vec![source, GroupLag::new(Some(name), group, partitions)])
}

fn shown(group: &GroupLag) -> String {
    let title = match &group.consumer {
        Some(consumer) => format!("{consumer} (group {})", group.group_id),
        None => format!("group {}", group.group_id),
    };
    if group.partitions.is_empty() {
        return match group.consumer {
            Some(_) => format!("{title}: none of its topics exists yet"),
            None => format!("{title}: it has committed nowhere"),
        };
    }
    let mut table = Table::new([
        "TOPIC",
        "PARTITION",
        "COMMITTED",
        "END",
        "LAG",
        "DONE ABOVE",
    ]);
    for partition in &group.partitions {
        table.row([
            partition.topic.clone(),
            partition.partition.to_string(),
            or_dash(partition.committed),
            or_dash(partition.end),
            or_dash(partition.lag),
            or_dash(partition.committed.map(|_| partition.done_above)),
        ]);
    }
    format!("{title}: lag {}\n{table}", thousands(group.lag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_committed_is_a_dash_and_no_lag() {
        let partition = |partition, committed: Option<i64>, end, lag| PartitionLag {
            topic: "orders".into(),
            partition,
            committed,
            end: Some(end),
            lag,
            done_above: 2 * u64::from(committed.is_some()),
        };
        let partitions = vec![
            partition(0, Some(3), 10, Some(7)),
            partition(1, None, 5, None),
        ];
        let group = GroupLag::new(Some("Billing".into()), "billing".into(), partitions);
        let text = shown(&group);
        assert!(
            text.starts_with("Billing (group billing): lag 7\n"),
            "{text}"
        );
        let rows: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let [.., first, last] = rows.as_slice() else {
            panic!("{text}");
        };
        assert_eq!(*first, ["orders", "0", "3", "10", "7", "2"]);
        assert_eq!(*last, ["orders", "1", "-", "5", "-", "-"]);
    }
}
