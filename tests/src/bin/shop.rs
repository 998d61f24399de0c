//! An application with the management commands mounted, for tests that need a
//! process: signals, exit codes, pipes, settings from the environment.
#![allow(missing_docs)]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use kafka_integration::management::{self, KafkaCommand};
use kafka_integration::prelude::*;

#[derive(Parser)]
enum Command {
    #[command(flatten)]
    Kafka(KafkaCommand),
}

/// Takes text from the topic that `SHOP_TOPIC` names, in the group
/// `SHOP_GROUP`; each message takes so many milliseconds as `SHOP_WORK_MS` says.
struct Orders {
    name: String,
}

struct Work(Duration);

fn variable(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

impl Topic for Orders {
    type Key = String;
    type Value = String;
    type Codec = Text;

    fn name(&self) -> &str {
        &self.name
    }
}

impl Consume for Orders {
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        tracing::info!(offset = message.offset(), "started");
        tokio::time::sleep(cx.state::<Work>()?.0).await;
        tracing::info!(offset = message.offset(), "finished");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(management::log_writer)
        .with_ansi(false)
        .init();
    let Command::Kafka(command) = Command::parse();
    let name = variable("SHOP_TOPIC", "orders");
    let mut registry = Registry::new();
    registry.add(
        ConsumerSpec::new("Billing", variable("SHOP_GROUP", "billing")).topic(Orders { name }),
    );
    management::Management::new()
        .registry(registry)
        .run(command, async |kafka| {
            let work = variable("SHOP_WORK_MS", "0").parse()?;
            Ok(kafka.state(Work(Duration::from_millis(work))))
        })
        .await
}
