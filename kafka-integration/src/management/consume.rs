use std::time::Duration;

use super::signals::StopSignal;
use super::{BoxError, CommandError, Management, status};
use crate::consumer::Registry;
use crate::kafka::{Kafka, KafkaBuilder};
use crate::runner::{RunError, Runner};

const EXAMPLES: &str = "\
Examples:
  kafka-consume                                  all registered consumers, side by side
  kafka-consume BillingConsumer                  only this one
  kafka-consume --status-interval 1min           a line in the log each minute

The first SIGTERM or SIGINT stops fetching, finishes what is in flight within
`shutdown_timeout`, commits, and ends with 0; the second ends at once.";

/// `kafka-consume`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Consume {
    /// Names of consumers (see kafka-consumers); all of them unless given
    names: Vec<String>,
    /// How often a line of status goes to the log where standard error is no
    /// terminal; 0s for never
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    status_interval: Duration,
}

impl Consume {
    pub(super) async fn run(
        self,
        mut management: Management,
        configure: impl AsyncFnOnce(KafkaBuilder) -> Result<KafkaBuilder, BoxError>,
    ) -> Result<(), CommandError> {
        let settings = management.load_settings()?;
        let registry = select(&management.take_registry(), &self.names)?;
        let console = management.console;
        // Before anything is in flight: no signal may find the default action.
        let mut stop = StopSignal::listen(
            console.clone(),
            Some("stopping: finishing what is in flight; a second signal stops at once"),
        )?;

        let builder = Kafka::builder().settings(settings);
        let kafka = configure(builder)
            .await
            .map_err(application_error)?
            .build()?;
        // For tasks that handlers spawn, which don't run in the handlers' scope.
        // An application that installed its own has said what it wants.
        let _ = kafka.install();

        for consumer in registry.consumers() {
            let topics: Vec<_> = consumer.topics.iter().map(|topic| topic.name()).collect();
            tracing::info!(
                consumer = consumer.name,
                group = consumer.group_id,
                topics = topics.join(","),
                "starting"
            );
        }
        let runner = Runner::new(kafka.clone(), registry);
        let shown = tokio::spawn(status::show(
            runner.status(),
            self.status_interval,
            console.clone(),
        ));
        let ended = runner
            .run(async move {
                stop.wait().await;
            })
            .await;
        shown.abort();
        // Awaited, so that the line has left the terminal.
        let _ = shown.await;
        // The runner has flushed; what is left by now is given up and counted.
        let left = kafka.shutdown(Duration::from_secs(1)).await;
        ended?;
        match left.total() {
            0 => Ok(()),
            lost => Err(CommandError::failed(format!(
                "{lost} produced records were not delivered before the end"
            ))),
        }
    }
}

/// The consumers to run, all of the registry being in order.
fn select(registry: &Registry, names: &[String]) -> Result<Registry, CommandError> {
    registry.validate().map_err(RunError::Registry)?;
    let selected = registry.select(names)?;
    if selected.consumers().is_empty() {
        return Err(CommandError::usage(NO_CONSUMERS));
    }
    Ok(selected)
}

/// What is told when nothing is registered.
pub(super) const NO_CONSUMERS: &str = "no consumers are registered. `#[consumer]` registers one, \
    if its crate is linked: a crate that nothing else refers to needs `use my_consumers as _;` in \
    the binary";

/// The application's own error; if one of the framework's is at the bottom of
/// it, that decides about the exit code.
fn application_error(error: BoxError) -> CommandError {
    let what = format!("cannot prepare the consumers: {error}");
    match super::error::code_of(&*error) {
        2 => CommandError::usage(what),
        _ => CommandError::failed(what),
    }
}
