mod clusters;
mod consumers;
mod report;

use super::consume::NO_CONSUMERS;
use super::{CommandError, Management};
use crate::consumer::Registry;
use crate::settings::Settings;
use report::{Report, Status};

const EXAMPLES: &str = "\
Examples:
  kafka-check
  kafka-check --json | jq '.[] | select(.status != \"ok\")'

Ends with 0 when nothing failed (warnings count as nothing), with 1 when a check
failed, and with 2 when the settings can't be used.";

/// `kafka-check`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// Print JSON: a list of objects
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(self, mut management: Management) -> Result<(), CommandError> {
        let registry = management.take_registry();
        let mut report = Report::new(management.console.clone(), self.json);
        let settings = match management.load_settings() {
            Ok(settings) => settings,
            Err(error) => {
                report.add(Status::Fail, "settings", &error)?;
                report.finish()?;
                return Err(error.told());
            }
        };
        report.add(Status::Ok, "settings", describe(&settings))?;
        let mut clusters: Vec<Option<String>> = vec![None];
        clusters.extend(settings.clusters.keys().cloned().map(Some));
        check_error_handlers(&settings, &mut report)?;
        management.settings = Some(settings);
        let kafka = management.kafka()?;

        check_registry(&registry, &mut report)?;
        let reached = clusters::check(&kafka, &clusters, &registry, &mut report).await?;
        for consumer in registry.consumers() {
            consumers::check(&kafka, consumer, &reached, &mut report).await?;
        }
        match report.finish()? {
            0 => Ok(()),
            _ => Err(CommandError::reported()),
        }
    }
}

/// The application gives its handlers when consumers are about to start, which
/// they are not: this can only tell which ones have to be there.
fn check_error_handlers(settings: &Settings, report: &mut Report) -> Result<(), CommandError> {
    let clusters = std::iter::once(&settings.cluster).chain(settings.clusters.values());
    let mut names: Vec<_> = clusters.map(|c| c.error_handler.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names.into_iter().filter(|name| *name != "log") {
        let message = format!(
            "error_handler = \"{name}\" is not one of the framework's own (log): kafka-consume \
             ends with 2 unless the application gives it with \
             `Kafka::builder().error_handler(\"{name}\", …)`"
        );
        report.add(Status::Warn, "settings", message)?;
    }
    Ok(())
}

fn check_registry(registry: &Registry, report: &mut Report) -> Result<(), CommandError> {
    let consumers = registry.consumers();
    if consumers.is_empty() {
        return report.add(Status::Warn, "registry", NO_CONSUMERS);
    }
    match registry.validate() {
        Ok(()) => {
            let names: Vec<_> = consumers.iter().map(|spec| spec.name.as_str()).collect();
            report.add(
                Status::Ok,
                "registry",
                format!("consumers: {}", names.join(", ")),
            )
        }
        Err(conflicts) => conflicts
            .iter()
            .try_for_each(|conflict| report.add(Status::Fail, "registry", conflict)),
    }
}

/// The profile, and where what is set comes from.
fn describe(settings: &Settings) -> String {
    let mut origins: Vec<_> = settings
        .describe()
        .into_iter()
        .map(|setting| setting.origin)
        .filter(|origin| !matches!(origin.as_str(), "default" | "the top level"))
        .collect();
    origins.sort();
    origins.dedup();
    let origins = match origins.is_empty() {
        true => "nothing set, all defaults".to_owned(),
        false => format!("set by {}", origins.join(", ")),
    };
    format!("profile `{}`; {origins}", settings.profile)
}
