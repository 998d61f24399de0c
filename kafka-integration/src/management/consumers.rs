use serde::Serialize;

use super::consume::NO_CONSUMERS;
use super::table::{Table, or_dash};
use super::{CommandError, Management};
use crate::consumer::{ConsumerSpec, Ordering, TopicBinding};
use crate::settings::{ClusterSettings, Settings};

const EXAMPLES: &str = "\
Examples:
  kafka-consumers
  kafka-consumers --json | jq -r '.[].name'

Ends with 1 when the consumers can't run together, with 2 when the settings can't
be used or don't know a consumer's cluster, and says why.";

/// `kafka-consumers`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Consumers {
    /// Print JSON: a list of objects
    #[arg(long)]
    json: bool,
}

/// A registered consumer, as `--json` shows it.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    group_id: &'a str,
    topics: Vec<&'a str>,
    /// What is in effect: the consumer's own, or that of the settings; `null`
    /// when they don't know its cluster.
    ordering: Option<String>,
    concurrency: Option<usize>,
    /// By topic: what becomes of its failed messages.
    retry: Vec<Retry<'a>>,
    cluster: &'a str,
    config: std::collections::BTreeMap<&'a str, &'a str>,
    declared: String,
}

/// The policy of a topic.
#[derive(Serialize)]
struct Retry<'a> {
    topic: &'a str,
    /// In words.
    policy: String,
    /// -1 is for ever.
    max_retries: i64,
    blocking: bool,
    preserve_order: bool,
    /// The group that consumes the retry topics; `null` when none are used.
    group_id: Option<String>,
}

impl<'a> Retry<'a> {
    fn new(spec: &ConsumerSpec, topic: &'a TopicBinding, cluster: &ClusterSettings) -> Self {
        let policy = spec.policy(topic, &cluster.retry);
        let by_topics = policy.levels() > 0;
        Self {
            topic: topic.name(),
            policy: policy.to_string(),
            max_retries: policy.max_retries.map_or(-1, i64::from),
            blocking: policy.is_blocking(),
            preserve_order: policy.preserve_order,
            group_id: by_topics.then(|| cluster.topic_names().retry_group(&spec.group_id)),
        }
    }
}

impl<'a> Row<'a> {
    fn new(spec: &'a ConsumerSpec, settings: &Settings) -> Self {
        let cluster = settings.cluster(spec.cluster.as_deref()).ok();
        let ordering = spec.ordering.or(cluster.map(|cluster| cluster.ordering));
        let concurrency = spec
            .concurrency
            .or(cluster.map(|cluster| cluster.concurrency));
        let policies = spec.topics.iter();
        let policies = policies.filter_map(|topic| Some(Retry::new(spec, topic, cluster?)));
        let retry: Vec<_> = policies.collect();
        let ordering = match retry.iter().any(|retry| retry.preserve_order) {
            true => Some(Ordering::Key),
            false => ordering,
        };
        Self {
            retry,
            name: &spec.name,
            group_id: &spec.group_id,
            topics: spec.topics.iter().map(|topic| topic.name()).collect(),
            ordering: ordering.map(|ordering| ordering.to_string()),
            concurrency: concurrency.map(|concurrency| concurrency.get()),
            cluster: spec.cluster.as_deref().unwrap_or("default"),
            config: spec
                .config
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            declared: spec.location.to_string(),
        }
    }

    /// The policies in words, each once.
    fn policies(&self) -> Option<String> {
        let mut words: Vec<_> = self
            .retry
            .iter()
            .map(|retry| retry.policy.as_str())
            .collect();
        words.dedup();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl Consumers {
    pub(super) fn run(self, mut management: Management) -> Result<(), CommandError> {
        let settings = management.load_settings()?;
        let registry = management.take_registry();
        let console = management.console;
        let consumers = registry.consumers().iter();
        let rows: Vec<_> = consumers.map(|spec| Row::new(spec, &settings)).collect();
        if self.json {
            console.json(&rows)?;
        } else if rows.is_empty() {
            console.notice(NO_CONSUMERS);
        } else {
            let mut table = Table::new([
                "NAME",
                "GROUP",
                "TOPICS",
                "ORDERING",
                "CONCURRENCY",
                "RETRY",
                "CLUSTER",
                "DECLARED",
            ]);
            for row in &rows {
                table.row([
                    row.name.to_owned(),
                    row.group_id.to_owned(),
                    or_dash(Some(row.topics.join(",")).filter(|topics| !topics.is_empty())),
                    or_dash(row.ordering.as_ref()),
                    or_dash(row.concurrency),
                    or_dash(row.policies()),
                    row.cluster.to_owned(),
                    row.declared.clone(),
                ]);
            }
            console.line(table)?;
        }
        console.flush()?;
        for consumer in registry.consumers() {
            settings.cluster(consumer.cluster.as_deref())?;
        }
        match registry.validate() {
            Ok(()) => Ok(()),
            Err(conflicts) => Err(crate::runner::RunError::Registry(conflicts).into()),
        }
    }
}
