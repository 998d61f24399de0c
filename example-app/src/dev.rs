//! `app dev`: everything in one process.

use std::time::Duration;

use kafka_integration::embedded::EmbeddedBroker;
use kafka_integration::prelude::*;
use kafka_integration::runner::StatusHandle;
use kafka_integration::settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::db::{Database, DatabaseUrl};
use crate::error::AppError;
use crate::http::{Listen, Server};
use crate::shop::Shop;
use crate::{settings, shutdown};

/// How long the consumers may take to get their partitions before the reader is
/// told that they have none.
const PATIENCE: Duration = Duration::from_secs(15);

/// `app dev`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    listen: Listen,
    /// Begin with an empty broker: forget the topics, messages and offsets of
    /// earlier runs. The shop's database stays as it is
    #[arg(long)]
    fresh: bool,
}

impl Dev {
    /// Runs broker, migrations, web server and consumers until a signal.
    pub(crate) async fn run(&self) -> Result<(), AppError> {
        let stop = shutdown::on_signal().map_err(AppError::Signals)?;
        // What the settings have to change for comes before anything is touched.
        let settings = settings::load()?;
        let database = Database::open(DatabaseUrl::from_env()?).await?;
        if let (true, Some(embedded)) = (self.fresh, &settings.cluster.embedded_broker) {
            EmbeddedBroker::erase(&embedded.data_dir).await?;
        }
        dev(&self.listen, stop, settings, database).await
    }
}

async fn dev(
    listen: &Listen,
    stop: CancellationToken,
    settings: Settings,
    database: Database,
) -> Result<(), AppError> {
    crate::migrate(&database).await?;
    let kafka = crate::kafka(settings, &database)?;
    crate::tell_broker(&kafka).await?;
    let registry = Registry::linked();
    let consumers = registry.consumers().iter().map(|spec| spec.name.clone());
    let consumers = consumers.collect::<Vec<_>>();
    let runner = Runner::new(kafka.clone(), registry);
    let status = runner.status();
    let shop = Shop::new(database, kafka.clone()).with_consumers(status.clone());
    let server = Server::bind(listen, shop).await?;
    let url = server.url();
    println!("listening on {url}");

    // The consumers stop after the web server, so that they can still bill
    // what it took last.
    let drain = CancellationToken::new();
    let serving = async {
        let served = server.run(stop.clone()).await;
        stop.cancel();
        drain.cancel();
        served.map_err(AppError::Serve)
    };
    let consuming = async {
        let consumed = runner.run(drain.clone().cancelled_owned()).await;
        // When they end by themselves it is by an error, and an order that
        // nobody bills had better not be taken.
        stop.cancel();
        consumed.map_err(AppError::Consumers)
    };
    let greeting = stop.run_until_cancelled(greet(&url, &status, &consumers));
    let (served, consumed, _) = tokio::join!(serving, consuming, greeting);
    shutdown::flush(&kafka).await;
    consumed.and(served)
}

/// Tells the reader what to try, as soon as it would work.
async fn greet(url: &str, status: &StatusHandle, consumers: &[String]) {
    let ready = tokio::time::timeout(PATIENCE, assigned(status, consumers)).await;
    if ready.is_err() {
        println!(
            "Some consumers have no partitions after {PATIENCE:?}; orders will wait. Is the broker \
             up, and do topics shop.orders and topic_data_created exist? `app kafka-check` tells."
        );
    }
    println!(
        "The shop is open. Try:\n\n  \
         curl -s {url}/orders -H 'content-type: application/json' -d '{{\"customer\": \"ann\", \
         \"sku\": \"tea\", \"quantity\": 2, \"unit_price_cents\": 450}}'\n  \
         curl -s {url}/customers/ann\n\n\
         A customer whose name begins with `flaky` pays in the third attempt ({url}/payments/1), \
         one whose name begins with `declined` never:\n\n  \
         app kafka-dlt list\n\n\
         Stamps are processed two at a time, or when they are ten seconds old:\n\n  \
         curl -s {url}/datasender/create_stamp/ -d object_cid=1 -d time_tolerance=10\n  \
         curl -s {url}/stamps\n\n\
         Ctrl-C stops it."
    );
}

/// Waits until every one of these consumers has a partition. Those of retry
/// topics, which the status shows too, have nothing to do before one fails.
async fn assigned(status: &StatusHandle, consumers: &[String]) {
    let all = || {
        let mut states = status.consumers();
        states.retain(|state| state.partitions > 0);
        let has_one = |name: &String| states.iter().any(|state| state.name == *name);
        consumers.iter().all(has_one)
    };
    while !all() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
