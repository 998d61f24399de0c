use std::num::NonZeroU32;

use super::chosen::Chosen;
use super::execute::{executed, planned};
use super::{Common, STOPPING, plan};
use crate::management::signals::StopSignal;
use crate::management::topics::literal;
use crate::management::{CommandError, Management};
use crate::retry::dead::{self, Watch};

const EXAMPLES: &str = "\
Examples:
  kafka-dlt redrive billing.orders.dlt                    what would go where
  kafka-dlt redrive billing.orders.dlt --execute
  kafka-dlt redrive billing.orders.dlt --class PaymentTimeout --since 2h --execute
  kafka-dlt redrive billing.orders.dlt --to orders.repair --rate 100 --execute

A message goes to the topic it came from unless --to names another, with its own
key, value, headers and time. Every group that consumes that topic gets it again.
It may be stopped or killed: the same again goes on, and each message goes exactly
once to whoever reads committed records. Of two at a time, the later one goes on.";

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Redrive {
    /// The dead-letter topic
    topic: String,
    #[command(flatten)]
    chosen: Chosen,
    /// Where they go; the topic that each came from unless given
    #[arg(long, value_name = "TOPIC")]
    to: Option<String>,
    /// At most so many a second
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Do it; without this nothing is moved
    #[arg(long)]
    execute: bool,
}

impl Redrive {
    pub(super) async fn run(
        self,
        common: &Common,
        mut management: Management,
    ) -> Result<(), CommandError> {
        if let Some(to) = &self.to {
            literal(to)?;
        }
        let dead = common.open(&mut management, &self.topic).await?;
        let redrive = dead::Redrive {
            filter: self.chosen.filter(),
            to: self.to.clone(),
            rate: self.rate,
        };
        let console = &management.console;
        let watch = Watch::new();
        if self.execute {
            let stop = StopSignal::listen(console.clone(), Some(STOPPING))?;
            let work = dead.redrive(&redrive, &watch);
            let topic = &self.topic;
            return executed(console, common, topic, "redriven", &watch, stop, work).await;
        }
        let mut stop = StopSignal::listen(console.clone(), None)?;
        let planning = dead.plan_redrive(&redrive, &watch);
        let plan = planned(console, &mut stop, &watch, planning).await?;
        if common.json {
            console.json(&plan::as_json(&self.topic, &plan))?;
        } else {
            console.line(plan::text(&self.topic, "would be redriven", &plan))?;
        }
        plan.check(&self.topic)?;
        if !common.json && plan.letters > 0 {
            console.notice("nothing was moved; the same with --execute does it");
        }
        Ok(())
    }
}
