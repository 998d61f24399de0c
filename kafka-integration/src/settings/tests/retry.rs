//! The keys of retries and dead letters.

use std::time::Duration;

use super::{from_file, from_variables, refused_toml, refused_variables};
use crate::retry::ErrorClass;
use crate::settings::{ClientKind, Loader, Settings};

fn retry_config(settings: &Settings, own: &[(&str, &str)]) -> rdkafka::ClientConfig {
    let own = own.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    let own: Vec<_> = own.collect();
    let config = settings
        .cluster
        .client_config(ClientKind::RetryConsumer, &own);
    config.expect("the settings are right")
}

#[test]
fn for_ever_is_minus_one_and_the_default() {
    let most = |text| from_file(text).cluster.retry.max_retries;
    assert_eq!(most(""), None);
    assert_eq!(most("retry.max_retries = -1"), None);
    assert_eq!(most("retry.max_retries = 0"), Some(0));
    let variables = from_variables(&[("KAFKA__RETRY__MAX_RETRIES", "-1")]);
    assert_eq!(variables.cluster.retry.max_retries, None);
    // A cluster goes back to it.
    let settings = from_file(
        "retry.max_retries = 3\n[clusters.eu]\nbootstrap_servers = \"b:1\"\nretry.max_retries = -1",
    );
    assert_eq!(settings.clusters["eu"].retry.max_retries, None);
}

#[test]
fn lists_have_commas_in_a_variable() {
    let named = |names: &[&'static str]| -> Vec<_> {
        names.iter().copied().map(ErrorClass::named).collect()
    };
    let include = |value| {
        let variables = [("KAFKA__RETRY__INCLUDE", value)];
        let settings = Loader::new().toml("kafka.toml", "retry.include = [\"Old\"]");
        let settings = settings.variables(variables).load();
        settings.expect("they are right").cluster.retry.include
    };
    assert_eq!(include("Timeout"), named(&["Timeout"]));
    assert_eq!(include("a::B , panic"), named(&["a::B", "panic"]));
    assert_eq!(include(""), named(&[]));
}

#[test]
fn a_longer_delay_is_not_cut_by_the_default_ceiling() {
    let settings = from_file(
        "retry.delay = \"5m\"\n[clusters.eu]\nbootstrap_servers = \"b:1\"\nretry.delay = \"10m\"",
    );
    assert_eq!(settings.cluster.retry.max_delay, Duration::from_secs(300));
    let eu = &settings.clusters["eu"].retry;
    assert_eq!(eu.max_delay, Duration::from_secs(600));
    let described = settings.describe();
    let ceiling = described.iter().find(|s| s.key == "retry.max_delay");
    let ceiling = ceiling.expect("it is told");
    assert_eq!(ceiling.value, "5m");
    assert!(ceiling.origin.ends_with("kafka.toml"), "{ceiling:?}");
}

#[test]
fn wrong_values_are_told_with_what_they_may_be() {
    for (text, said) in [
        (
            "retry.max_retries = -2",
            "`retry.max_retries` must be -1 (for ever) or a whole number from 0 to 4294967295, \
             found a whole number (-2)",
        ),
        (
            "retry.max_retries = 5000000000",
            "`retry.max_retries` must be -1 (for ever) or a whole number from 0 to 4294967295, \
             found a whole number (5000000000)",
        ),
        (
            "retry.log_every = 0",
            "`retry.log_every` must be a whole number from 1 to 4294967295, found a whole number (0)",
        ),
        (
            "retry.include = \"Timeout\"",
            "`retry.include` must be a list of names of errors, such as \
             [\"sqlx::Error\", \"Timeout\"], found the text \"Timeout\"",
        ),
        (
            "retry.exclude = [1]",
            "`retry.exclude` must be a list of names of errors, such as \
             [\"sqlx::Error\", \"Timeout\"], found a list",
        ),
        (
            "retry.blocking = \"yes\"",
            "`retry.blocking` must be true or false, found the text \"yes\"",
        ),
        (
            "create_retry_topics = 1",
            "`create_retry_topics` must be true or false, found a whole number (1)",
        ),
        (
            "retry_topic_suffix = \"a/b\"",
            "`retry_topic_suffix` must be a word of letters, digits, `.`, `_` and `-`, \
             found the text \"a/b\"",
        ),
        (
            "dead_letter_topic_suffix = \"\"",
            "`dead_letter_topic_suffix` must be a word of letters, digits, `.`, `_` and `-`, \
             found the text \"\"",
        ),
    ] {
        assert_eq!(refused_toml(text), format!("kafka.toml: {said}"));
    }
    let said = refused_variables(&[("KAFKA__RETRY__EXCLUDE", "A,,B")]);
    assert!(said.contains("`retry.exclude` must be a list"), "{said}");
}

#[test]
fn what_contradicts_itself_is_told_once_with_its_key() {
    for (text, said) in [
        (
            "[retry]\npreserve_order = true\nblocking = false",
            "`retry.preserve_order` keeps later messages of a key waiting",
        ),
        (
            "[retry]\nmax_delay = \"1s\"\ndelay = \"2s\"",
            "`retry.max_delay` (1s) is shorter than `delay` (2s); raise it",
        ),
        (
            "[retry]\ninclude = [\"A\"]\nexclude = [\"B\", \"A\"]",
            "`retry.exclude` names `A`, which `include` names as well; remove one",
        ),
        (
            "retry_topic_suffix = \"dlt\"",
            "`dead_letter_topic_suffix` (dlt) must differ from `retry_topic_suffix` (dlt)",
        ),
        (
            "dead_letter_topic_suffix = \"retry.9\"",
            "`dead_letter_topic_suffix` (retry.9) must differ from `retry_topic_suffix` (retry)",
        ),
        (
            "retry.preserve_order = true\n\
             [clusters.eu]\nbootstrap_servers = \"b:1\"\nretry.blocking = false\n\
             [clusters.us]\nbootstrap_servers = \"c:1\"",
            "`clusters.eu.retry.preserve_order` keeps later messages",
        ),
    ] {
        let said_of = refused_toml(text);
        let expected = format!("kafka.toml: {said}");
        assert!(said_of.starts_with(&expected), "{said_of}");
        assert_eq!(said_of.lines().count(), 1, "{said_of}");
    }
    // What it takes over is no second problem of a named cluster.
    let said = refused_toml(
        "bootstrap_servers = \"a:1\"\nretry_topic_suffix = \"dlt\"\n\
         [clusters.eu]\nbootstrap_servers = \"b:1\"\nconcurrency = 2",
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn what_the_application_sets_is_checked_when_the_handle_is_made() {
    let mut settings = Settings::with_bootstrap_servers("a:1");
    settings.cluster.retry.jitter = 7.0;
    settings.cluster.retry_topic_suffix = String::new();
    let refused = crate::Kafka::builder().settings(settings).build();
    let said = refused.expect_err("two mistakes").to_string();
    for told in [
        "the application: `retry.jitter` must be a number from 0 to 1, found 7",
        "the application: `retry_topic_suffix` must be a word of letters",
    ] {
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn retry_consumers_begin_at_the_beginning_whatever_their_consumer_does() {
    let settings = from_file(
        "[global_config]\nfetch.wait.max.ms = 1\nfetch.min.bytes = 1\n\
         [consumer_config]\nauto.offset.reset = \"latest\"\nfetch.min.bytes = 2\nfetch.error.backoff.ms = 2\n\
         topic.metadata.refresh.interval.ms = 90000\n\
         [retry_consumer_config]\nfetch.error.backoff.ms = 3\nsocket.timeout.ms = 3000",
    );
    let own = [
        ("auto.offset.reset", "latest"),
        ("socket.timeout.ms", "4000"),
    ];
    let config = retry_config(&settings, &own);
    for (name, value) in [
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("topic.metadata.refresh.interval.ms", "10000"),
        ("fetch.wait.max.ms", "1"),
        ("fetch.min.bytes", "2"),
        ("fetch.error.backoff.ms", "3"),
        ("socket.timeout.ms", "4000"),
    ] {
        assert_eq!(config.get(name), Some(value), "{name}");
    }
    // The consumer itself has none of it.
    let consumer = settings.cluster.client_config(ClientKind::Consumer, &[]);
    let consumer = consumer.expect("they are right");
    assert_eq!(consumer.get("auto.offset.reset"), Some("latest"));
    assert_eq!(consumer.get("fetch.error.backoff.ms"), Some("2"));
    assert_eq!(consumer.get("socket.timeout.ms"), None);

    let set = "[retry_consumer_config]\ntopic.metadata.refresh.interval.ms = 1000";
    let config = retry_config(&from_file(set), &[]);
    let refresh = config.get("topic.metadata.refresh.interval.ms");
    assert_eq!(refresh, Some("1000"));
}

#[test]
fn retry_consumers_properties_are_checked_by_librdkafka_too() {
    let said = refused_toml("[retry_consumer_config]\nfetch.min.byte = 1");
    assert!(
        said.starts_with("kafka.toml: `retry_consumer_config.\"fetch.min.byte\"`: librdkafka"),
        "{said}"
    );
    let said = refused_variables(&[("KAFKA__RETRY_CONSUMER_CONFIG__GROUP_ID", "g")]);
    assert!(
        said.contains("`retry_consumer_config.\"group.id\"` can't be set"),
        "{said}"
    );
    let said = refused_toml(
        "[retry_consumer_config]\nsession.timeout.ms = 60000\nmax.poll.interval.ms = 10000",
    );
    assert!(
        said.contains("the settings of a retry consumer together: "),
        "{said}"
    );
}
