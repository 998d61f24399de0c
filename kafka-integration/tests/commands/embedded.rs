//! Without an address a command works on the data of the application's embedded
//! broker.

use std::path::Path;
use std::time::Duration;

use kafka_integration::embedded::EmbeddedBroker;
use kafka_integration::management::Management;
use kafka_integration::settings::{EmbeddedBrokerSettings, Settings};

use crate::support::*;

fn without_address(directory: &Path) -> Settings {
    let mut settings = Settings::default();
    settings.cluster.embedded_broker = Some(EmbeddedBrokerSettings::in_directory(directory));
    settings
}

async fn run_in(directory: &Path, arguments: &[&str]) -> Ran {
    let management = Management::new()
        .settings(without_address(directory))
        .registry(registry([consumer("Billing", "billing", "orders")]));
    execute(management, arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_after_another_works_on_the_data_that_is_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path().join("data");
    let produce = [
        "kafka-produce",
        "orders",
        "--value",
        "tea",
        "--partition",
        "0",
    ];
    let produced = run_in(&directory, &produce).await;
    assert_eq!(produced.code, 0, "{produced:?}");
    // It stopped with the command.
    assert!(!directory.join("broker.address").exists());

    let tail = ["kafka-tail", "orders", "--from", "beginning", "--max", "1"];
    let tailed = run_in(&directory, &[&tail[..], &["--group", "audit"]].concat()).await;
    assert!(tailed.output.contains("| tea"), "{tailed:?}");
    let listed = run_in(&directory, &["kafka-topics", "list"]).await;
    assert!(listed.output.contains("orders"), "{listed:?}");
    let lag = ["kafka-lag", "--group", "audit", "--json"];
    let lag = run_in(&directory, &lag).await;
    assert_eq!(lag.json()[0]["lag"], 0, "{lag:?}");
    let checked = run_in(&directory, &["kafka-check"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    let data = directory.display().to_string();
    assert!(checked.output.contains(&data), "{checked:?}");
    assert!(!directory.join("broker.address").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finds_the_broker_that_runs_on_the_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = EmbeddedBroker::builder().data_dir(directory.path());
    let broker = builder.start().await.expect("it starts");
    let produced = run_in(
        directory.path(),
        &["kafka-produce", "orders", "--value", "tea"],
    )
    .await;
    assert_eq!(produced.code, 0, "{produced:?}");
    let checked = run_in(directory.path(), &["kafka-check"]).await;
    assert!(
        checked.output.contains(&broker.bootstrap_servers()),
        "{checked:?}"
    );
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_can_not_be_used_is_a_failure_that_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("it is written");
    let listed = run_in(&file, &["kafka-topics", "list"]).await;
    assert_eq!(listed.code, 1, "{listed:?}");
    let named = file.display().to_string();
    assert!(listed.notices.contains(&named), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down_is_told_within_seconds() {
    let management = Management::new().settings(Settings::with_bootstrap_servers("127.0.0.1:1"));
    let produce = ["kafka-produce", "orders", "--value", "1"];
    let told = tokio::time::timeout(Duration::from_secs(20), execute(management, &produce)).await;
    let told = told.expect("long before the client gives a message up");
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.notices.contains("127.0.0.1:1"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_group_of_a_consumer_is_not_joined_by_mistake() {
    let broker = &brokers().await[0];
    let topic = broker.topic(1).await;
    let group = unique("billing");
    let tail = ["kafka-tail", &topic, "--group", &group, "--max", "1"];
    let consumers = registry([consumer("Billing", &group, &topic)]);
    let refused = run_with(broker, consumers.clone(), &tail).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.notices.contains("Billing") && refused.notices.contains("--force"));
    let forced = run_with(broker, consumers, &[&tail[..], &["--force"]].concat()).await;
    assert_eq!(forced.code, 0, "{forced:?}");
    assert!(forced.output.contains("first"), "{forced:?}");
}
