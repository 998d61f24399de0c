//! Without an address a command has a broker of its own, which nobody meant.

use std::time::Duration;

use kafka_integration::management::Management;
use kafka_integration::settings::Settings;

use crate::support::*;

fn without_address() -> Settings {
    let mut settings = Settings::default();
    settings.cluster.embedded_broker = true;
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_gone_with_the_command_is_refused() {
    for arguments in [
        &["kafka-produce", "orders", "--value", "1"][..],
        &["kafka-tail", "orders"],
        &["kafka-topics", "list"],
        &["kafka-lag"],
        &["kafka-lag", "--group", "billing"],
    ] {
        let management = Management::new()
            .settings(without_address())
            .registry(registry([consumer("Billing", "billing", "orders")]));
        let refused = execute(management, arguments).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused.notices.contains("KAFKA__BOOTSTRAP_SERVERS"),
            "{refused:?}"
        );
        assert_eq!(refused.output, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_that_are_alone_with_their_broker_are_warned() {
    let notices = Captured::default();
    let management = Management::new()
        .settings(without_address())
        .registry(registry([consumer("Billing", "billing", "orders")]))
        .output(std::io::sink())
        .notices(notices.clone());
    let running = tokio::spawn(async move { end(management, &["kafka-consume"]).await });
    let warned = async {
        while !notices.text().contains("KAFKA__BOOTSTRAP_SERVERS") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let warned = tokio::time::timeout(Duration::from_secs(20), warned).await;
    running.abort();
    warned.expect("a warning");
    assert!(notices.text().contains("Billing"), "{}", notices.text());
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
    let broker = &brokers()[0];
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
