mod chosen;
mod discard;
mod execute;
mod list;
mod plan;
mod progress;
mod redrive;
mod show;
mod time;

use super::table::counted;
use super::topics::literal;
use super::{CommandError, Management};
use crate::kafka::Kafka;
use crate::retry::dead::{DeadLetterError, DeadLetters};

const EXAMPLES: &str = "\
Examples:
  kafka-dlt list                                     of the registered consumers
  kafka-dlt show billing.orders.dlt --first          one in full, with its error
  kafka-dlt redrive billing.orders.dlt               what would go back, and where
  kafka-dlt redrive billing.orders.dlt --execute     do it
  kafka-dlt discard billing.orders.dlt --class CardExpired --execute

Dead letters stay in their topic; what became of them is kept in TOPIC.journal.
A redrive may be stopped or killed at any time: the same again goes on, and each
message goes exactly once to whoever reads committed records.";

/// What the first signal says where something is changed.
const STOPPING: &str = "stopping after this transaction; a second signal stops at once";

/// `kafka-dlt`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Dlt {
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
    /// List the dead-letter topics: how many are open, how old, which errors
    List(list::List),
    /// Show one in full: where it came from, its error, headers, key and value
    Show(show::Show),
    /// Produce dead letters again; without --execute show what would go where
    Redrive(redrive::Redrive),
    /// Give dead letters up; without --execute show which
    Discard(discard::Discard),
}

/// What the actions have in common.
struct Common {
    cluster: Option<String>,
    json: bool,
}

impl Dlt {
    pub(super) async fn run(self, management: Management) -> Result<(), CommandError> {
        let common = Common {
            cluster: self.cluster,
            json: self.json,
        };
        match self.action {
            Action::List(list) => list.run(&common, management).await,
            Action::Show(show) => show.run(&common, management).await,
            Action::Redrive(redrive) => redrive.run(&common, management).await,
            Action::Discard(discard) => discard.run(&common, management).await,
        }
    }
}

impl Common {
    /// The word that dead-letter topics end in.
    fn suffix(&self, kafka: &Kafka) -> Result<String, CommandError> {
        let settings = kafka.settings().cluster(self.cluster.as_deref())?;
        Ok(settings.dead_letter_topic_suffix.clone())
    }

    /// The dead-letter topic of that name.
    async fn open(
        &self,
        management: &mut Management,
        topic: &str,
    ) -> Result<DeadLetters, CommandError> {
        literal(topic)?;
        let kafka = management.kafka()?;
        let suffix = self.suffix(&kafka)?;
        if !topic.ends_with(&format!(".{suffix}")) {
            return Err(CommandError::usage(format!(
                "`{topic}` is no dead-letter topic: those are named GROUP.TOPIC.{suffix} (setting \
                 dead_letter_topic_suffix); `kafka-dlt list --all` shows them"
            )));
        }
        Ok(DeadLetters::open(&kafka, self.cluster.as_deref(), topic).await?)
    }
}

impl From<DeadLetterError> for CommandError {
    fn from(error: DeadLetterError) -> Self {
        match error {
            DeadLetterError::Admin(error) => error.into(),
            error @ (DeadLetterError::IsJournal { .. }
            | DeadLetterError::NoSuchPartition { .. }) => Self::usage(error),
            error => Self::failed(error),
        }
    }
}

fn letters(number: u64) -> String {
    counted(number, "dead letter")
}
