use serde::Serialize;

use super::consume::NO_CONSUMERS;
use super::table::{Table, or_dash};
use super::{CommandError, Management};
use crate::consumer::ConsumerSpec;

const EXAMPLES: &str = "\
Examples:
  kafka-consumers
  kafka-consumers --json | jq -r '.[].name'

Ends with 1 when the consumers can't run together, and says why.";

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
    /// `null`: as the settings say.
    ordering: Option<String>,
    concurrency: Option<usize>,
    cluster: &'a str,
    config: std::collections::BTreeMap<&'a str, &'a str>,
    declared: String,
}

impl<'a> From<&'a ConsumerSpec> for Row<'a> {
    fn from(spec: &'a ConsumerSpec) -> Self {
        Self {
            name: &spec.name,
            group_id: &spec.group_id,
            topics: spec.topics.iter().map(|topic| topic.name()).collect(),
            ordering: spec.ordering.map(|ordering| ordering.to_string()),
            concurrency: spec.concurrency.map(|concurrency| concurrency.get()),
            cluster: spec.cluster.as_deref().unwrap_or("default"),
            config: spec
                .config
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            declared: spec.location.to_string(),
        }
    }
}

impl Consumers {
    pub(super) fn run(self, mut management: Management) -> Result<(), CommandError> {
        let registry = management.take_registry();
        let console = management.console;
        let rows: Vec<_> = registry.consumers().iter().map(Row::from).collect();
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
                "CLUSTER",
                "DECLARED",
            ]);
            for row in &rows {
                let by_settings = || "(settings)".to_owned();
                table.row([
                    row.name.to_owned(),
                    row.group_id.to_owned(),
                    or_dash(Some(row.topics.join(",")).filter(|topics| !topics.is_empty())),
                    row.ordering.clone().unwrap_or_else(by_settings),
                    row.concurrency
                        .map_or_else(by_settings, |concurrency| concurrency.to_string()),
                    row.cluster.to_owned(),
                    row.declared.clone(),
                ]);
            }
            console.line(table)?;
        }
        match registry.validate() {
            Ok(()) => Ok(()),
            Err(conflicts) => {
                console.flush()?;
                Err(crate::runner::RunError::Registry(conflicts).into())
            }
        }
    }
}
