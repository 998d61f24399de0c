//! What the framework sets when the user does not, and what it insists on.

use super::{from_file, refused_toml, refused_variables};
use crate::settings::{ClientKind, Settings};

fn config(settings: &Settings, kind: ClientKind) -> rdkafka::ClientConfig {
    settings
        .cluster
        .client_config(kind, &[])
        .expect("they are right")
}

#[test]
fn producers_are_idempotent_with_all_acks() {
    let config = config(&Settings::default(), ClientKind::Producer);
    assert_eq!(config.get("enable.idempotence"), Some("true"));
    assert_eq!(config.get("acks"), Some("all"));
    assert_eq!(config.get("enable.auto.commit"), None);
}

#[test]
fn consumers_commit_nothing_by_themselves_and_start_at_the_beginning() {
    let config = config(&Settings::default(), ClientKind::Consumer);
    for (name, value) in [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
        ("fetch.queue.backoff.ms", "50"),
        ("queued.max.messages.kbytes", "32768"),
        ("enable.partition.eof", "false"),
        ("topic.metadata.refresh.interval.ms", "10000"),
    ] {
        assert_eq!(config.get(name), Some(value), "{name}");
    }
    assert_eq!(config.get("enable.idempotence"), None);
}

#[test]
fn the_users_own_settings_win_over_the_defaults() {
    let settings = from_file(
        "[producer_config]\nenable.idempotence = false\nclient.id = \"own\"\n\
         [consumer_config]\nauto.offset.reset = \"latest\"\nqueued.max.messages.kbytes = 1024",
    );
    let producer = config(&settings, ClientKind::Producer);
    assert_eq!(producer.get("enable.idempotence"), Some("false"));
    assert_eq!(producer.get("client.id"), Some("own"));
    let consumer = config(&settings, ClientKind::Consumer);
    assert_eq!(consumer.get("auto.offset.reset"), Some("latest"));
    assert_eq!(consumer.get("queued.max.messages.kbytes"), Some("1024"));
}

#[test]
fn weaker_acks_turn_the_default_idempotence_off_instead_of_failing() {
    for own in ["acks = 1", "max.in.flight = 20", "retries = 0"] {
        let settings = from_file(&format!("[producer_config]\n{own}"));
        let config = config(&settings, ClientKind::Producer);
        assert_eq!(config.get("enable.idempotence"), Some("false"), "{own}");
    }
    // Asked for both, it is librdkafka's to refuse.
    let said = refused_toml("[producer_config]\nacks = 1\nenable.idempotence = true");
    assert!(
        said.starts_with(
            "the default cluster: librdkafka refuses the settings of a producer together: "
        ),
        "{said}"
    );
}

#[test]
fn what_loses_messages_is_refused_wherever_it_is_set() {
    for (property, value) in [
        ("enable.auto.commit", "true"),
        ("enable.auto.offset.store", "T"),
        ("auto.commit.enable", "1"),
        ("offset.store.method", "none"),
    ] {
        let said = refused_toml(&format!("[consumer_config]\n{property:?} = {value:?}"));
        let key = format!("`consumer_config.\"{property}\"` can't be set: ");
        assert!(said.contains(&format!("kafka.toml: {key}")), "{said}");

        let overrides = [(property.to_owned(), value.to_owned())];
        let said = Settings::default()
            .cluster
            .client_config(ClientKind::Consumer, &overrides)
            .expect_err("it loses messages")
            .to_string();
        let key = format!("the consumer's declaration: `config(\"{property}\")` can't be set: ");
        assert!(said.starts_with(&key), "{said}");
    }
    let said = refused_toml("[producer_config]\n\"delivery.report.only.error\" = true");
    assert!(said.contains("can't be set"), "{said}");
    // What says the same as the framework is no contradiction.
    from_file("[consumer_config]\nenable.auto.commit = false\nenable.auto.offset.store = \"F\"");
}

#[test]
fn the_group_belongs_to_the_declaration() {
    let said = refused_variables(&[("KAFKA__CONSUMER_CONFIG__GROUP_ID", "billing")]);
    assert!(
        said.starts_with(
            "environment variable KAFKA__CONSUMER_CONFIG__GROUP_ID: `consumer_config.\"group.id\"` can't be set: \
             the group belongs to the consumer's declaration"
        ),
        "{said}"
    );
    let overrides = [("group.id".to_owned(), "billing".to_owned())];
    let cluster = Settings::default().cluster;
    assert!(
        cluster
            .client_config(ClientKind::Consumer, &overrides)
            .is_err()
    );
}

#[test]
fn the_new_group_protocol_leaves_out_what_the_broker_decides() {
    let properties = "session.timeout.ms = 30000\nheartbeat.interval.ms = 1000\n\
                      partition.assignment.strategy = \"cooperative-sticky\"";
    let names = [
        "session.timeout.ms",
        "heartbeat.interval.ms",
        "partition.assignment.strategy",
    ];

    let classic = from_file(&format!("[consumer_config]\n{properties}"));
    let classic = config(&classic, ClientKind::Consumer);
    let new = from_file(&format!(
        "[consumer_config]\ngroup.protocol = \"consumer\"\n{properties}"
    ));
    let new = config(&new, ClientKind::Consumer);
    for name in names {
        assert!(classic.get(name).is_some(), "{name}");
        assert_eq!(new.get(name), None, "{name}");
    }
    assert_eq!(new.get("group.protocol"), Some("consumer"));
}

#[test]
fn the_log_level_is_the_property_or_everything_when_debugging() {
    let level = |text| config(&from_file(text), ClientKind::Consumer).log_level as i32;
    assert_eq!(level("[global_config]\nlog_level = 5"), 5);
    assert_eq!(level("[global_config]\ndebug = \"cgrp\""), 7);
    assert_eq!(level("[global_config]\ndebug = \"cgrp\"\nlog_level = 6"), 6);
}
