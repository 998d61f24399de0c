//! What is said about wrong settings.

use super::{NO_VARIABLES, directory, refused, refused_toml, refused_variables, write};
use crate::settings::{Loader, Settings, SettingsProblem};

#[test]
fn an_unknown_key_is_named_with_the_nearest_and_its_origin() {
    for (text, key, meant) in [
        (
            "poling_frequency = \"1s\"",
            "poling_frequency",
            "polling_frequency",
        ),
        ("[retry]\nmax_dely = \"1s\"", "retry.max_dely", "max_delay"),
        ("[consumer_conf]\na = 1", "consumer_conf", "consumer_config"),
        (
            "[clusters.eu]\nbootstrap_servers = \"a:1\"\norderng = \"key\"",
            "clusters.eu.orderng",
            "ordering",
        ),
    ] {
        assert_eq!(
            refused_toml(text),
            format!("kafka.toml: unknown key `{key}`; did you mean `{meant}`?")
        );
    }
    assert_eq!(
        refused_variables(&[("KAFKA__CONCURENCY", "4")]),
        "environment variable KAFKA__CONCURENCY: unknown key `concurency`; did you mean `concurrency`?"
    );
    assert_eq!(
        refused_variables(&[("KAFKA__RETRY__JITER", "4")]),
        "environment variable KAFKA__RETRY__JITER: unknown key `retry.jiter`; did you mean `jitter`?"
    );
    let said = "unknown key `retry.backoff`; write `factor`, `max_delay` and `jitter` instead";
    for text in ["retry.backoff = \"2s\"", "[retry.backoff]\nfactor = 2"] {
        assert_eq!(refused_toml(text), format!("kafka.toml: {said}"));
    }
    assert_eq!(refused_toml("xyzzy = 1"), "kafka.toml: unknown key `xyzzy`");
    assert!(refused_variables(&[("KAFKA____", "1")]).contains("unknown key"));
}

#[test]
fn an_unknown_table_with_nothing_in_it_has_its_file() {
    let said = refused_toml("[retri]");
    assert_eq!(
        said,
        "kafka.toml: unknown key `retri`; did you mean `retry`?"
    );
    let said = refused_toml("[clusters.eu]\nbootstrap_servers = \"a:1\"\n[clusters.eu.retri]");
    assert!(
        said.starts_with("kafka.toml: unknown key `clusters.eu.retri`"),
        "{said}"
    );
}

#[test]
fn a_client_property_outside_its_tables_is_told_where_it_belongs() {
    for said in [
        refused_toml("session.timeout.ms = 1"),
        refused_variables(&[("KAFKA__SESSION_TIMEOUT_MS", "1")]),
    ] {
        assert!(
            said.contains(
                "`session.timeout.ms` is a client property: write it under global_config"
            ),
            "{said}"
        );
    }
}

#[test]
fn a_wrong_type_names_origin_key_what_is_expected_and_what_is_found() {
    for (text, said) in [
        (
            "concurrency = \"many\"",
            "kafka.toml: `concurrency` must be a whole number of at least 1, found the text \"many\"",
        ),
        (
            "concurrency = 0",
            "kafka.toml: `concurrency` must be a whole number of at least 1, found a whole number (0)",
        ),
        (
            "bootstrap_servers = [\"a:1\"]",
            "kafka.toml: `bootstrap_servers` must be text that is not empty, found a list",
        ),
        (
            "polling_frequency = 1",
            "kafka.toml: `polling_frequency` must be a duration with its unit in quotes, \
             such as \"500ms\", \"1s\" or \"2min\", at least 1ms, found a whole number (1)",
        ),
        (
            "ordering = \"keys\"",
            "kafka.toml: `ordering` must be \"partition\", \"key\" or \"none\", found the text \"keys\"",
        ),
        (
            "embedded_broker = \"yes\"",
            "kafka.toml: `embedded_broker` must be true, false or a table, found the text \"yes\"",
        ),
        (
            "max_in_flight_bytes = \"64 parsec\"",
            "kafka.toml: `max_in_flight_bytes` must be a size of at least 1 byte, \
             such as 1048576, \"512KiB\" or \"64MiB\", found the text \"64 parsec\"",
        ),
        (
            "[retry]\njitter = 3.5",
            "kafka.toml: `retry.jitter` must be a number from 0 to 1, found a number (3.5)",
        ),
        (
            "retry = 3",
            "kafka.toml: `retry` must be a table, found a whole number",
        ),
        (
            "consumer_config = \"x\"",
            "kafka.toml: `consumer_config` must be a table, found text",
        ),
        (
            "[consumer_config]\nfetch.min.bytes = [1]",
            "kafka.toml: `consumer_config.\"fetch.min.bytes\"` must be text, a number or a boolean, found a list",
        ),
        (
            "clusters = 1",
            "kafka.toml: `clusters` must be a table, found a whole number",
        ),
        (
            "clusters.eu = 1",
            "kafka.toml: `clusters.eu` must be a table with the keys of a cluster, found a single value",
        ),
    ] {
        assert_eq!(refused_toml(text), said);
    }
    let said = refused_variables(&[("KAFKA__COMMIT_INTERVAL", "100")]);
    assert!(
        said.starts_with(
            "environment variable KAFKA__COMMIT_INTERVAL: `commit_interval` must be a duration with its unit"
        ),
        "{said}"
    );
    let said = refused_variables(&[("KAFKA__RETRY", "1"), ("KAFKA__RETRY__DELAY", "1s")]);
    assert!(said.contains("`retry` must be a table"), "{said}");
}

#[test]
fn the_origin_is_the_layer_that_won() {
    let directory = directory();
    write(directory.path(), "kafka.toml", "concurrency = 1");
    write(
        directory.path(),
        "kafka.development.toml",
        "concurrency = -1",
    );
    let said = refused(Settings::load_from(directory.path(), NO_VARIABLES));
    let file = directory.path().join("kafka.development.toml");
    assert!(
        said.starts_with(&format!("{}: `concurrency`", file.display())),
        "{said}"
    );
}

#[test]
fn a_file_that_does_not_parse_is_named_with_its_line() {
    let directory = directory();
    write(
        directory.path(),
        "kafka.toml",
        "concurrency = 1\nordering = key\n",
    );
    let error = Settings::load_from(directory.path(), NO_VARIABLES).expect_err("no quotes");
    let [
        SettingsProblem::Syntax {
            origin,
            line,
            reason,
            ..
        },
    ] = error.problems()
    else {
        panic!("{error}");
    };
    assert!(origin.ends_with("kafka.toml"));
    assert_eq!(*line, Some(2));
    assert!(!reason.is_empty());
    assert!(
        error.to_string().contains("kafka.toml: line 2, column "),
        "{error}"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    let directory = directory();
    let missing = directory.path().join("nowhere");
    let said = refused(Settings::load_from(&missing, NO_VARIABLES));
    assert!(
        said.starts_with(&format!("{}: can't be read: ", missing.display())),
        "{said}"
    );

    std::fs::create_dir(directory.path().join("kafka.toml")).expect("it is new");
    let said = refused(Settings::load_from(directory.path(), NO_VARIABLES));
    assert!(said.contains("kafka.toml: can't be read: "), "{said}");
}

#[test]
fn a_profile_is_a_name_and_not_a_path() {
    for profile in ["../production", "a b", "ü"] {
        let said = refused(Loader::new().profile(profile).load());
        assert!(said.contains("is not a name"), "{said}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let error = Loader::new()
        .toml(
            "kafka.toml",
            "concurency = 1\nordering = 1\nconsumer_config.nonsense = 1",
        )
        .variables([("KAFKA__MAX_IN_FLIGHT", "none")])
        .load()
        .expect_err("it is all wrong");
    assert_eq!(error.problems().len(), 4, "{error}");
    let said = error.to_string();
    assert!(
        said.starts_with("the settings have 4 problems:\n  - "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 5, "{said}");
}

#[test]
fn an_unknown_cluster_is_named_with_the_nearest() {
    let settings = super::from_file("[clusters.europe]\nbootstrap_servers = \"a:1\"");
    let said = settings
        .cluster(Some("eurpe"))
        .expect_err("misspelt")
        .to_string();
    assert!(
        said.contains("no cluster `eurpe`") && said.contains("did you mean `europe`?"),
        "{said}"
    );
}
