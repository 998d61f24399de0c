//! Each setting with its origin.

use super::{directory, write};
use crate::settings::Settings;

fn find(settings: &Settings, key: &str) -> (String, String) {
    let described = settings.describe();
    let setting = described.into_iter().find(|setting| setting.key == key);
    let setting = setting.unwrap_or_else(|| panic!("no {key}"));
    (setting.value, setting.origin)
}

#[test]
fn each_setting_is_told_with_its_origin() {
    let directory = directory();
    write(
        directory.path(),
        "kafka.toml",
        "concurrency = 4\ncreate_retry_topics = false\n\
         retry = { max_retries = 5, exclude = [\"panic\", \"Declined\"] }\nmax_in_flight_bytes = \"2MiB\"\nglobal_config.bootstrap.servers = \"a:1\"\n\
         [consumer_config]\nfetch.min.bytes = 7\n\
         [clusters.eu]\nbootstrap_servers = \"b:1\"\nretry.delay = \"3s\"",
    );
    let variables = [
        ("KAFKA__CONSUMER_CONFIG__CLIENT_RACK", "r1"),
        ("KAFKA__RETRY_CONSUMER_CONFIG__FETCH_MIN_BYTES", "9"),
    ];
    let mut settings = Settings::load_from(directory.path(), variables).expect("they are right");
    let file = directory.path().join("kafka.toml").display().to_string();
    let variable = "environment variable KAFKA__CONSUMER_CONFIG__CLIENT_RACK";
    let variable_of_retries = "environment variable KAFKA__RETRY_CONSUMER_CONFIG__FETCH_MIN_BYTES";
    for (key, value, origin) in [
        ("concurrency", "4", file.as_str()),
        ("bootstrap_servers", "a:1", &file),
        ("max_in_flight_bytes", "2MiB", &file),
        ("consumer_config.\"fetch.min.bytes\"", "7", &file),
        ("consumer_config.\"client.rack\"", "r1", variable),
        ("polling_frequency", "1s", "default"),
        ("embedded_broker", "false", "default"),
        ("clusters.eu.bootstrap_servers", "b:1", &file),
        ("clusters.eu.retry.delay", "3s", &file),
        ("clusters.eu.concurrency", "4", "the top level"),
        ("retry.max_retries", "5", &file),
        ("retry.exclude", "[panic, Declined]", &file),
        ("retry.include", "[]", "default"),
        ("retry.preserve_order", "false", "default"),
        ("retry_topic_suffix", "retry", "default"),
        ("create_retry_topics", "false", &file),
        ("clusters.eu.create_retry_topics", "false", "the top level"),
        (
            "retry_consumer_config.\"fetch.min.bytes\"",
            "9",
            variable_of_retries,
        ),
    ] {
        assert_eq!(
            find(&settings, key),
            (value.to_owned(), origin.to_owned()),
            "{key}"
        );
    }

    settings.cluster.concurrency = std::num::NonZeroUsize::MIN;
    settings
        .cluster
        .consumer_config
        .set("fetch.min.bytes", "nonsense");
    let (value, origin) = find(&settings, "consumer_config.\"fetch.min.bytes\"");
    assert_eq!(
        (value.as_str(), origin.as_str()),
        ("nonsense", "the application")
    );
    let said = settings
        .cluster
        .client_config(crate::settings::ClientKind::Consumer, &[])
        .expect_err("it is no number")
        .to_string();
    assert!(said.starts_with("the application: "), "{said}");
}
