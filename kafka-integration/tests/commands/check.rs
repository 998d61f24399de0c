use kafka_integration::admin::{Cluster, NewTopic};
use kafka_integration::management::Management;
use kafka_integration::settings::Settings;

use crate::support::*;

fn lines(ran: &Ran, status: &str) -> Vec<String> {
    let checks = ran.json();
    let checks = checks.as_array().expect("a list").iter();
    let found = checks.filter(|check| check["status"] == status);
    found
        .map(|check| format!("{}: {}", check["check"], check["message"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_order_is_ok_line_by_line() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let pattern = format!("^{}$", topic.replace('.', "\\."));
        let consumers = registry([
            consumer("Billing", &unique("billing"), &topic),
            consumer("All", &unique("all"), &pattern),
        ]);
        let checked = run_with(&broker, consumers.clone(), &["kafka-check"]).await;
        assert_eq!(checked.code, 0, "{checked:?}");
        assert!(
            checked.output.lines().all(|line| line.starts_with("ok")),
            "{checked:?}"
        );
        for word in ["settings", "Billing", &broker.address, &topic, "matches"] {
            assert!(checked.output.contains(word), "{word}: {checked:?}");
        }
        let checked = run_with(&broker, consumers, &["kafka-check", "--json"]).await;
        assert!(lines(&checked, "ok").len() >= 6, "{checked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_fails_with_what_to_do() {
    for broker in brokers().await {
        let topic = unique("nowhere");
        let consumers = registry([consumer("Billing", &unique("billing"), &topic)]);
        let checked = run_with(&broker, consumers, &["kafka-check", "--json"]).await;
        assert_eq!(checked.code, 1, "{checked:?}");
        let failed = lines(&checked, "fail");
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(
            failed[0].contains(&format!("kafka-topics create {topic}")),
            "{failed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_do_not_answer_fail_and_the_rest_is_still_told() {
    let settings = Settings::with_bootstrap_servers("127.0.0.1:1");
    let consumers = registry([consumer("A", "a", "orders"), consumer("B", "a", "payments")]);
    let management = Management::new().settings(settings).registry(consumers);
    let checked = execute(management, &["kafka-check", "--json"]).await;
    assert_eq!(checked.code, 1);
    let failed = lines(&checked, "fail").join("\n");
    assert!(failed.contains("127.0.0.1:1"), "{failed}");
    assert!(failed.contains("both in group `a`"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_consumers_is_a_warning_with_the_hint() {
    let broker = &brokers().await[0];
    let checked = run(broker, &["kafka-check", "--json"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        lines(&checked, "warn")[0].contains("use my_consumers as _;"),
        "{checked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_loses_failed_messages_is_a_warning_with_the_command_that_mends_it() {
    for broker in brokers().await {
        let topic = broker.topic(1).await;
        let group = unique("billing");
        let [dead, journal, retry] =
            ["dlt", "dlt.journal", "retry.1"].map(|word| format!("{group}.{topic}.{word}"));
        let cluster = Cluster::connect(&broker.kafka(), None).await;
        let cluster = cluster.expect("it answers");
        for (name, policy, time) in [
            (&dead, "compact", "-1"),
            (&journal, "compact", "-1"),
            (&retry, "delete", "604800000"),
        ] {
            let new = NewTopic::new(name).config("cleanup.policy", policy);
            let created = cluster.create(new.config("retention.ms", time)).await;
            created.expect("it is created");
        }
        let consumers = registry([consumer("Billing", &group, &topic)]);
        let checked = run_with(&broker, consumers, &["kafka-check", "--json"]).await;
        assert_eq!(checked.code, 0, "{checked:?}");
        let mut warned = lines(&checked, "warn");
        warned.sort();
        assert_eq!(warned.len(), 2, "{warned:?}");
        for (line, words) in warned.iter().zip([
            [
                &dead,
                "`cleanup.policy` is compact",
                "--add-config cleanup.policy=delete`",
            ],
            [
                &retry,
                "`retention.ms` is 604800000",
                "--add-config retention.ms=-1`",
            ],
        ]) {
            for word in words {
                assert!(line.contains(word), "{word}: {line}");
            }
        }
    }
}
