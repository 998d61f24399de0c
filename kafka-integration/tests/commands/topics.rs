use kafka_integration::admin::{AdminError, Cluster};
use kafka_integration::management::Management;
use kafka_integration::prelude::*;
use kafka_integration::settings::Settings;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_listed_and_described() {
    for broker in brokers().await {
        let name = unique("orders");
        let create = [
            "kafka-topics",
            "create",
            &name,
            "--partitions",
            "3",
            "--replication-factor",
            "1",
            "--config",
            "cleanup.policy=compact",
        ];
        let created = run(&broker, &create).await;
        assert_eq!(
            created.output,
            format!("created topic {name}\n"),
            "{created:?}"
        );
        let again = run(&broker, &create).await;
        assert_eq!(again.code, 1);
        assert!(again.notices.contains("exists already"), "{again:?}");

        let list = run(&broker, &["kafka-topics", "list", "--json"])
            .await
            .json();
        let mut listed = list.as_array().expect("a list").iter();
        let topic = listed.find(|topic| topic["name"] == name.as_str());
        assert_eq!(topic.expect("listed")["replication_factor"], 1);

        let described = run(&broker, &["kafka-topics", "describe", &name])
            .await
            .output;
        assert!(
            described.starts_with(&format!("topic {name}: 3 partitions\n")),
            "{described}"
        );
        assert!(described.contains("cleanup.policy=compact"), "{described}");
        let default = run(&broker, &["kafka-topics", "create", &unique("plain")]).await;
        assert_eq!(default.code, 0, "{default:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_listed_and_described_by_metadata_alone() {
    for broker in brokers().await {
        let name = broker.topic(2).await;
        let list = run(&broker, &["kafka-topics", "list"]).await.output;
        assert!(list.lines().any(|line| line.starts_with(&name)), "{list}");
        let described = run(&broker, &["kafka-topics", "describe", &name, "--json"])
            .await
            .json();
        let first = &described["partitions"][0];
        assert_eq!((&first["beginning"], &first["end"]), (&0.into(), &1.into()));
        assert!(described["config"].is_array(), "{described}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_do_not_answer_are_named_with_the_time_limit() {
    let settings = Settings::with_bootstrap_servers("127.0.0.1:1");
    let kafka = Kafka::builder()
        .settings(settings.clone())
        .build()
        .expect("a handle");
    let limit = std::time::Duration::from_millis(700);
    let refused = Cluster::connect_within(&kafka, None, limit).await;
    let error = refused.expect_err("nobody there");
    assert!(matches!(error, AdminError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1:1") && text.contains("700ms"),
        "{text}"
    );
    assert!(text.contains("Connection refused"), "{text}");

    let management = Management::new().settings(settings);
    let listed = execute(management, &["kafka-topics", "list"]).await;
    assert_eq!(listed.code, 1);
    let unknown = ["kafka-topics", "list", "--cluster", "eu"];
    let broker = &brokers().await[0];
    let unknown = run(broker, &unknown).await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
}
