use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::progress::Progress;
use super::{Common, time};
use crate::admin::Cluster;
use crate::consumer::Registry;
use crate::kafka::Kafka;
use crate::management::console::Console;
use crate::management::consume::NO_CONSUMERS;
use crate::management::pattern::matching;
use crate::management::signals::StopSignal;
use crate::management::table::{Table, or_dash, thousands};
use crate::management::{CommandError, Management};
use crate::retry::dead::{DeadLetterError, DeadLetters, Summary, Watch};

const EXAMPLES: &str = "\
Examples:
  kafka-dlt list
  kafka-dlt list --all
  kafka-dlt list --json | jq '.[] | select(.open > 0) | .topic'

Everything in the topics is read. OLDEST is when the oldest open one failed last.";

/// How many classes a line of the table names.
const NAMED: usize = 3;

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Every topic of the cluster that is named like one, registered here or not
    #[arg(long)]
    all: bool,
}

/// A dead-letter topic and what it holds.
struct Listed {
    cluster: Option<String>,
    topic: String,
    /// What it holds, or why that can't be told: the others are listed all the
    /// same.
    summary: Result<Summary, DeadLetterError>,
}

impl List {
    pub(super) async fn run(
        self,
        common: &Common,
        mut management: Management,
    ) -> Result<(), CommandError> {
        let registry = management.take_registry();
        if !self.all && registry.consumers().is_empty() {
            return Err(CommandError::usage(format!(
                "{NO_CONSUMERS}; `--all` lists every dead-letter topic of the cluster"
            )));
        }
        let kafka = management.kafka()?;
        // Also where no consumer is of that cluster.
        kafka.settings().cluster(common.cluster.as_deref())?;
        let console = &management.console;
        let mut stop = StopSignal::listen(console.clone(), None)?;
        let watch = Watch::new();
        let reading = self.read(common, &kafka, &registry, &watch);
        let progress = Progress::of(&watch, console, "");
        let listed = tokio::select! {
            listed = reading => listed?,
            signal = stop.wait() => {
                watch.stop();
                return Err(CommandError::interrupted(signal.exit_code(), "stopped"));
            }
            never = progress.show() => match never {},
        };
        print(common, console, &listed)?;
        match listed.iter().any(|listed| listed.summary.is_err()) {
            true => Err(CommandError::reported()),
            false => Ok(()),
        }
    }

    async fn read(
        &self,
        common: &Common,
        kafka: &Kafka,
        registry: &Registry,
        watch: &Watch,
    ) -> Result<Vec<Listed>, CommandError> {
        let mut listed = Vec::new();
        for (cluster, topics) in self.topics(common, kafka, registry).await? {
            for topic in topics {
                let summary = match DeadLetters::open(kafka, cluster.as_deref(), &topic).await {
                    Ok(dead) => dead.summary(watch).await,
                    Err(error) => Err(error),
                };
                listed.push(Listed {
                    summary,
                    cluster: cluster.clone(),
                    topic,
                });
            }
        }
        Ok(listed)
    }

    /// The dead-letter topics there are, by cluster.
    async fn topics(
        &self,
        common: &Common,
        kafka: &Kafka,
        registry: &Registry,
    ) -> Result<BTreeMap<Option<String>, Vec<String>>, CommandError> {
        // By cluster, group and subscription.
        let mut wanted: BTreeMap<Option<String>, Vec<(&str, &str)>> = BTreeMap::new();
        if self.all {
            wanted.insert(common.cluster.clone(), Vec::new());
        } else {
            let asked = common.cluster.as_ref();
            let ours = registry.consumers().iter();
            for spec in ours.filter(|spec| asked.is_none() || spec.cluster.as_ref() == asked) {
                let wanted = wanted.entry(spec.cluster.clone()).or_default();
                let topics = spec.topics.iter();
                wanted.extend(topics.map(|topic| (&*spec.group_id, topic.name())));
            }
        }
        let mut found = BTreeMap::new();
        for (cluster, wanted) in wanted {
            let settings = kafka.settings().cluster(cluster.as_deref())?;
            let suffix = format!(".{}", settings.dead_letter_topic_suffix);
            let connected = Cluster::connect(kafka, cluster.as_deref()).await?;
            let topics = connected
                .topics()
                .await?
                .into_iter()
                .map(|topic| topic.name);
            let dead = topics.filter(|name| {
                let Some(source) = name.strip_suffix(&suffix) else {
                    return false;
                };
                let is_of = |(group, subscription): &(&str, &str)| {
                    let topic = source
                        .strip_prefix(group)
                        .and_then(|rest| rest.strip_prefix('.'));
                    topic.is_some_and(|topic| {
                        matching(subscription, &[topic]).is_some_and(|them| !them.is_empty())
                    })
                };
                self.all || wanted.iter().any(is_of)
            });
            found.insert(cluster, dead.collect());
        }
        Ok(found)
    }
}

fn print(common: &Common, console: &Console, listed: &[Listed]) -> Result<(), CommandError> {
    if common.json {
        let all: Vec<_> = listed.iter().map(as_json).collect();
        return console.json(&all);
    }
    if listed.is_empty() {
        console.notice("there are no dead-letter topics");
        return Ok(());
    }
    let mut table = Table::new(["TOPIC", "OPEN", "OLDEST", "REDRIVEN", "DISCARDED", "ERRORS"]);
    for Listed { topic, summary, .. } in listed {
        let Ok(summary) = summary else {
            table.row([topic, "?", "?", "?", "?", "see below"].map(str::to_owned));
            continue;
        };
        let oldest = summary.oldest.map(|oldest| {
            let ago = time::ago(oldest);
            format!("{} ({ago} ago)", time::rfc3339(oldest))
        });
        table.row([
            topic.clone(),
            thousands(summary.open),
            or_dash(oldest),
            thousands(summary.redriven),
            thousands(summary.discarded),
            classes(summary),
        ]);
    }
    console.line(table)?;
    for Listed { summary, .. } in listed {
        if let Err(error) = summary {
            console.notice(format_args!("error: {error}"));
        }
    }
    Ok(())
}

fn as_json(listed: &Listed) -> Value {
    let Listed { cluster, topic, .. } = listed;
    let summary = match &listed.summary {
        Ok(summary) => summary,
        Err(error) => {
            let problem = error.to_string();
            return json!({ "topic": topic, "cluster": cluster, "problem": problem });
        }
    };
    let classes = summary.classes.iter();
    let classes: Map<_, _> = classes
        .map(|(class, count)| (class.to_owned(), count.into()))
        .collect();
    json!({
        "topic": topic,
        "cluster": cluster,
        "open": summary.open,
        "oldest": summary.oldest.map(time::rfc3339),
        "oldest_ms": summary.oldest.map(|oldest| oldest.as_millis()),
        "classes": classes,
        "redriven": summary.redriven,
        "discarded": summary.discarded,
    })
}

/// The most frequent classes, with their counts.
fn classes(summary: &Summary) -> String {
    let mut named: Vec<_> = summary
        .classes
        .iter()
        .map(|(class, count)| format!("{class}: {}", thousands(count)))
        .collect();
    let more = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    if named.is_empty() {
        return "-".to_owned();
    }
    named.join(", ")
}
