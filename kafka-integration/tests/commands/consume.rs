use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use clap::Parser;
use kafka_integration::management::{KafkaCommand, Management};
use kafka_integration::prelude::*;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn consumers_that_can_not_run_end_it_before_anything_connects() {
    let broker = &brokers().await[0];
    let nobody = run(broker, &["kafka-consume"]).await;
    assert_eq!(nobody.code, 2);
    assert!(
        nobody.notices.contains("use my_consumers as _;"),
        "{nobody:?}"
    );

    let consumers = registry([consumer("Billing", "billing", "orders")]);
    let unknown = run_with(broker, consumers, &["kafka-consume", "Biling"]).await;
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.notices.contains("no consumer `Biling`"),
        "{unknown:?}"
    );
    assert!(unknown.notices.contains("Billing"), "{unknown:?}");

    let twice = [consumer("A", "a", "orders"), consumer("A", "b", "orders")];
    let conflict = run_with(broker, registry(twice), &["kafka-consume"]).await;
    assert_eq!(conflict.code, 1);
    assert!(
        conflict.notices.contains("two consumers are named `A`"),
        "{conflict:?}"
    );
}

#[derive(Parser)]
enum App {
    #[command(flatten)]
    Kafka(KafkaCommand),
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_is_asked_for_state_only_by_consumers_that_start() {
    let broker = &brokers().await[0];
    for (arguments, asked) in [
        (&["app", "kafka-consumers"][..], false),
        (&["app", "kafka-consume", "Nobody"], false),
        (&["app", "kafka-consume"], true),
    ] {
        let was_asked = AtomicBool::new(false);
        let App::Kafka(command) = App::try_parse_from(arguments).expect("arguments");
        let refused = Management::new()
            .settings(broker.settings())
            .registry(registry([consumer("Billing", "billing", "orders")]))
            .output(std::io::sink())
            .notices(std::io::sink())
            .execute(command, async |_| {
                was_asked.store(true, Relaxed);
                Err("the database is locked".into())
            })
            .await;
        assert_eq!(was_asked.into_inner(), asked, "{arguments:?}");
        if asked {
            let error = refused.expect_err("no state");
            assert_eq!(error.code(), 1);
            assert!(error.to_string().contains("the database is locked"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registered_consumers_are_listed_and_conflicts_told() {
    let broker = &brokers().await[0];
    let consumers = registry([
        consumer("Billing", "billing", "orders")
            .ordering(Ordering::Key)
            .concurrency(64),
        consumer("Audit", "audit", "^shop.*")
            .cluster("eu")
            .config("fetch.min.bytes", "1"),
    ]);
    let mut settings = broker.settings();
    let mut eu = settings.cluster.clone();
    eu.ordering = kafka_integration::prelude::Ordering::None;
    settings.clusters.insert("eu".to_owned(), eu);
    let list = async |arguments: &[&str]| {
        let management = Management::new().settings(settings.clone());
        execute(management.registry(consumers.clone()), arguments).await
    };
    let listed = list(&["kafka-consumers"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let rows: Vec<_> = listed.output.lines().collect();
    assert!(
        rows[1].starts_with("Audit") && rows[1].contains("eu"),
        "{rows:?}"
    );
    assert!(
        rows[2].contains("key") && rows[2].contains("64"),
        "{rows:?}"
    );
    assert!(rows[2].contains("support.rs:"), "{rows:?}");

    let listed = list(&["kafka-consumers", "--json"]).await.json();
    assert_eq!(listed[0]["config"]["fetch.min.bytes"], "1");
    assert_eq!(listed[1]["concurrency"], 64);
    // What it does not declare is as the settings of its cluster say.
    assert_eq!(listed[0]["ordering"], "none");
    assert_eq!(listed[0]["concurrency"], 1);

    let unknown = run_with(broker, consumers, &["kafka-consumers"]).await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.output.contains("Audit"), "{unknown:?}");
    assert!(unknown.notices.contains("eu"), "{unknown:?}");

    let two = registry([consumer("A", "a", "orders"), consumer("B", "a", "payments")]);
    let conflict = run_with(broker, two, &["kafka-consumers"]).await;
    assert_eq!(conflict.code, 1);
    assert!(conflict.output.contains("payments"), "{conflict:?}");
    assert!(
        conflict.notices.contains("both in group `a`"),
        "{conflict:?}"
    );
}
