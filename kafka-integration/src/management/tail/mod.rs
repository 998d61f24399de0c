mod print;
mod reader;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::signals::StopSignal;
use super::table::counted;
use super::topics::literal;
use super::{CommandError, Management};
use crate::admin::Cluster;
use crate::consumer::Registry;
use crate::settings::ClientKind;
use reader::Reader;
use start::Start;

const EXAMPLES: &str = "\
Examples:
  kafka-tail orders                              what comes from now on
  kafka-tail orders --from beginning --max 10
  kafka-tail orders --from -5                    the last 5 of each partition
  kafka-tail orders --from 10min --json | jq -r .value
  kafka-tail orders --group audit                as a member of a group, with commits

Without --group nothing is committed and no group is joined.";

/// How long the client may take to leave its group when the command ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// `kafka-tail`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Tail {
    /// The topic
    topic: String,
    /// `beginning`, `end`, an offset (1500), a count before the end (-10), a
    /// time (2026-01-31T08:00:00Z, milliseconds) or how long ago (10min) [default:
    /// end; with --group beginning, for partitions where the group has no commit]
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    from: Option<Start>,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max: Option<u64>,
    /// End when no message came for so long (5s, 1min)
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Join this consumer group, and commit what was printed
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Join the group of a registered consumer too, and take messages from it
    #[arg(long, requires = "group")]
    force: bool,
    /// Only this partition
    #[arg(long, value_name = "P", conflicts_with = "group", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// A cluster of the settings (clusters.NAME); the default one unless given
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Print JSON: an object on each line
    #[arg(long)]
    json: bool,
}

/// Which partitions, and from where.
enum Assignment {
    /// Those, from those offsets; no group is joined.
    Fixed(BTreeMap<i32, i64>),
    /// Those that the group gives; the rest is the `auto.offset.reset` for
    /// partitions without a commit.
    Group {
        group_id: String,
        reset: &'static str,
    },
}

impl Tail {
    pub(super) async fn run(self, mut management: Management) -> Result<(), CommandError> {
        literal(&self.topic)?;
        let reset = self.reset()?;
        let kafka = management.kafka()?;
        self.check_group(&management.take_registry())?;
        let console = management.console;
        let mut stop = StopSignal::listen(console.clone(), None)?;
        let cluster = Cluster::connect(&kafka, self.cluster.as_deref()).await?;
        // Says so when there is no such topic; subscribing would wait for it.
        let topic = cluster.topic(&self.topic).await?;

        let assignment = match &self.group {
            Some(group) => Assignment::Group {
                group_id: group.clone(),
                reset,
            },
            None => {
                let partitions = self.partitions(&topic.partitions)?;
                let start = self.from.unwrap_or(Start::End);
                let offsets = start.resolve(&cluster, &self.topic, &partitions).await?;
                console.notice(format_args!(
                    "{}: {} of {} at {}",
                    self.topic,
                    offsets.len(),
                    counted(topic.partitions.len() as u64, "partition"),
                    cluster.address()
                ));
                Assignment::Fixed(offsets)
            }
        };
        let config = kafka.client_config(self.cluster.as_deref(), ClientKind::Consumer, &[])?;
        let stopped = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            config,
            topic: self.topic,
            assignment,
            max: self.max,
            idle: self.timeout,
            json: self.json,
            console,
            stopped: Arc::clone(&stopped),
        };
        let mut ended = reader.start()?;
        tokio::select! {
            result = &mut ended => return result.unwrap_or_else(|_| Err(crashed())),
            _ = stop.wait() => stopped.store(true, Ordering::Relaxed),
        }
        // What was printed is committed by then; a broker that is down can keep
        // the client from leaving its group, and nobody has to wait for that.
        match tokio::time::timeout(CLOSE_TIMEOUT, ended).await {
            Ok(result) => result.unwrap_or_else(|_| Err(crashed())),
            Err(_) => Ok(()),
        }
    }

    /// Refuses the group of a consumer: what is printed here is committed, and
    /// the consumer never gets it.
    fn check_group(&self, registry: &Registry) -> Result<(), CommandError> {
        let Some(group) = self.group.as_ref().filter(|_| !self.force) else {
            return Ok(());
        };
        let owner = registry
            .consumers()
            .iter()
            .find(|spec| spec.group_id == *group && spec.cluster == self.cluster);
        match owner {
            None => Ok(()),
            Some(owner) => Err(CommandError::usage(format!(
                "`{group}` is the group of consumer {}, which would never get the messages that \
                 are printed here; take another group or leave out --group, or give --force if \
                 that is what you want",
                owner.name
            ))),
        }
    }

    /// Where a group starts that has no commit.
    fn reset(&self) -> Result<&'static str, CommandError> {
        match (&self.group, self.from) {
            (_, None | Some(Start::Beginning)) => Ok("earliest"),
            (_, Some(Start::End)) => Ok("latest"),
            (None, _) => Ok("earliest"),
            (Some(group), Some(_)) => Err(CommandError::usage(format!(
                "group `{group}` goes on where it has committed, so with --group only \
                 `--from beginning` and `--from end` have a meaning (where it has no commit); \
                 leave out --group to start elsewhere"
            ))),
        }
    }

    fn partitions(&self, known: &[i32]) -> Result<Vec<i32>, CommandError> {
        match self.partition {
            None => Ok(known.to_vec()),
            Some(partition) if known.contains(&partition) => Ok(vec![partition]),
            Some(partition) => Err(CommandError::usage(format!(
                "topic `{}` has no partition {partition}; it has {} (0 to {})",
                self.topic,
                known.len(),
                known.len().saturating_sub(1)
            ))),
        }
    }
}

fn crashed() -> CommandError {
    CommandError::failed("the reading thread ended by itself; this is a bug")
}
