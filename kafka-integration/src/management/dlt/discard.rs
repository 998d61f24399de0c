use std::io::{self, IsTerminal};

use tokio::sync::oneshot;

use super::chosen::Chosen;
use super::execute::{executed, planned};
use super::{Common, STOPPING, letters, plan};
use crate::management::console::Console;
use crate::management::signals::StopSignal;
use crate::management::{CommandError, Management};
use crate::retry::dead::{Filter, Watch};

const EXAMPLES: &str = "\
Examples:
  kafka-dlt discard billing.orders.dlt --class CardExpired           which would go
  kafka-dlt discard billing.orders.dlt --class CardExpired --execute       asks first
  kafka-dlt discard billing.orders.dlt --until 30days --execute --yes

Discarded dead letters stay in the topic, where `kafka-dlt show` finds them by
their place; they are no longer listed or redriven. The journal keeps when and by
whom. There is no way back.";

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Discard {
    /// The dead-letter topic
    topic: String,
    #[command(flatten)]
    chosen: Chosen,
    /// Do it; without this nothing is changed
    #[arg(long)]
    execute: bool,
    /// Don't ask; needed where nobody can be asked
    #[arg(long, requires = "execute")]
    yes: bool,
}

impl Discard {
    pub(super) async fn run(
        self,
        common: &Common,
        mut management: Management,
    ) -> Result<(), CommandError> {
        let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
        if self.execute && !self.yes && !can_ask {
            return Err(CommandError::usage(
                "there is no terminal to ask at; give --yes to discard without being asked",
            ));
        }
        let dead = common.open(&mut management, &self.topic).await?;
        let console = &management.console;
        let watch = Watch::new();
        let notice = self.execute.then_some(STOPPING);
        let mut stop = StopSignal::listen(console.clone(), notice)?;
        let mut filter = self.chosen.filter();
        if !self.execute || !self.yes {
            let planning = dead.plan_discard(&filter, &watch);
            let plan = planned(console, &mut stop, &watch, planning).await?;
            let text = plan::text(&self.topic, "would be discarded", &plan);
            if !self.execute {
                if common.json {
                    return console.json(&plan::as_json(&self.topic, &plan));
                }
                console.line(text)?;
                if plan.letters > 0 {
                    console.notice("nothing was discarded; the same with --execute does it");
                }
                return Ok(());
            }
            if plan.letters > 0 {
                console.notice(text);
                ask(console, &mut stop, &self.topic, plan.letters).await?;
            }
            // What came while the user read is not what was agreed to.
            filter = Filter {
                ends: Some(plan.ends),
                ..filter
            };
        }
        let work = dead.discard(&filter, &watch);
        executed(
            console,
            common,
            &self.topic,
            "discarded",
            &watch,
            stop,
            work,
        )
        .await
    }
}

/// Goes on when the user means it.
async fn ask(
    console: &Console,
    stop: &mut StopSignal,
    topic: &str,
    count: u64,
) -> Result<(), CommandError> {
    console.notice(format_args!(
        "{} will be given up for good; type the topic's name or yes to go on:",
        letters(count)
    ));
    let (told, answer) = oneshot::channel();
    // None of the runtime's threads: somebody who never answers must not keep
    // the process from ending.
    std::thread::Builder::new()
        .name("kafka-dlt".into())
        .spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            let _ = told.send(read.map(|_| line));
        })
        .map_err(|error| CommandError::failed(format!("cannot start a thread: {error}")))?;
    let answer = tokio::select! {
        answer = answer => answer.unwrap_or_else(|_| Ok(String::new())),
        signal = stop.wait() => {
            let told = "stopped; nothing was discarded";
            return Err(CommandError::interrupted(signal.exit_code(), told));
        }
    };
    let answer =
        answer.map_err(|error| CommandError::failed(format!("cannot read the answer: {error}")))?;
    if is_consent(&answer, topic) {
        return Ok(());
    }
    Err(CommandError::failed("nothing was discarded"))
}

fn is_consent(answer: &str, topic: &str) -> bool {
    let answer = answer.trim();
    answer == topic || answer.eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_or_yes_is_consent() {
        for answer in ["yes\n", "YES", " billing.orders.dlt \n"] {
            assert!(is_consent(answer, "billing.orders.dlt"), "{answer:?}");
        }
        for answer in ["", "\n", "y", "no", "billing.orders"] {
            assert!(!is_consent(answer, "billing.orders.dlt"), "{answer:?}");
        }
    }
}
