//! What wins over what.

use super::{NO_VARIABLES, directory, from_file, from_variables, write};
use crate::settings::{ClientKind, Loader, Settings};

#[test]
fn each_layer_wins_over_the_one_below_key_by_key() {
    let directory = directory();
    let base = "bootstrap_servers = \"a:1\"\nconcurrency = 2\nmax_in_flight = 3\n\
                consumer_config = { \"fetch.min.bytes\" = 1, \"fetch.wait.max.ms\" = 2, \"client.rack\" = \"a\" }";
    write(directory.path(), "kafka.toml", base);
    write(
        directory.path(),
        "kafka.staging.toml",
        "concurrency = 4\nmax_in_flight = 5\n[consumer_config]\nfetch.min.bytes = 10\nfetch.wait.max.ms = 20",
    );
    let variables = [
        ("KAFKA_PROFILE", "staging"),
        ("KAFKA__MAX_IN_FLIGHT", "6"),
        ("KAFKA__CONSUMER_CONFIG__FETCH_WAIT_MAX_MS", "200"),
    ];
    let settings = Settings::load_from(directory.path(), variables).expect("they are right");
    let cluster = &settings.cluster;
    assert_eq!(settings.profile, "staging");
    assert_eq!(cluster.bootstrap_servers.as_deref(), Some("a:1"));
    assert_eq!(cluster.concurrency.get(), 4);
    assert_eq!(cluster.max_in_flight.get(), 6);
    let consumer: Vec<_> = cluster.consumer_config.iter().collect();
    assert_eq!(
        consumer,
        [
            ("client.rack", "a"),
            ("fetch.min.bytes", "10"),
            ("fetch.wait.max.ms", "200")
        ]
    );

    // Another profile does not read that file.
    let settings = Settings::load_from(directory.path(), NO_VARIABLES).expect("they are right");
    assert_eq!(settings.profile, "development");
    assert_eq!(settings.cluster.concurrency.get(), 2);
}

#[test]
fn a_property_may_be_written_quoted_or_nested() {
    let quoted = from_file("[consumer_config]\n\"fetch.min.bytes\" = 7");
    let nested = from_file("[consumer_config]\nfetch.min.bytes = 7");
    let table = from_file("[consumer_config.fetch.min]\nbytes = 7");
    for settings in [quoted, nested, table] {
        let properties: Vec<_> = settings.cluster.consumer_config.iter().collect();
        assert_eq!(properties, [("fetch.min.bytes", "7")]);
    }
}

#[test]
fn own_config_wins_over_consumer_config_over_global_config_over_the_defaults() {
    let settings = from_file(
        "[global_config]\nfetch.queue.backoff.ms = 1\nfetch.min.bytes = 1\nsocket.timeout.ms = 1000\n\
         [consumer_config]\nfetch.min.bytes = 2\nsocket.timeout.ms = 2000",
    );
    let own = [("socket.timeout.ms".to_owned(), "3000".to_owned())];
    let config = settings
        .cluster
        .client_config(ClientKind::Consumer, &own)
        .expect("they are right");
    assert_eq!(config.get("fetch.queue.backoff.ms"), Some("1"));
    assert_eq!(config.get("fetch.min.bytes"), Some("2"));
    assert_eq!(config.get("socket.timeout.ms"), Some("3000"));
}

#[test]
fn a_property_wins_under_its_second_name_as_well() {
    let settings = from_file(
        "[global_config]\n\"request.required.acks\" = 1\n[producer_config]\n\"retries\" = 7",
    );
    let config = settings
        .cluster
        .client_config(
            ClientKind::Producer,
            &[("message.send.max.retries".to_owned(), "9".to_owned())],
        )
        .expect("they are right");
    assert_eq!(config.get("acks"), Some("1"));
    assert_eq!(config.get("request.required.acks"), None);
    assert_eq!(config.get("retries"), Some("9"));
    assert_eq!(config.get("message.send.max.retries"), None);
}

#[test]
fn a_named_cluster_takes_over_the_runner_keys_and_no_client_properties() {
    let settings = from_file(
        "bootstrap_servers = \"a:1\"\nconcurrency = 8\nclient_id = \"shop\"\ncommit_interval = \"2s\"\n\
         [retry]\ndelay = \"3s\"\nfactor = 5\n\
         [global_config]\nclient.rack = \"a\"\n\
         [clusters.eu]\nbootstrap_servers = \"b:1\"\nretry = { factor = 1.5 }",
    );
    let eu = settings.cluster(Some("eu")).expect("it is there");
    assert_eq!(eu.concurrency.get(), 8);
    assert_eq!(eu.client_id, "shop");
    assert_eq!(eu.commit_interval.as_secs(), 2);
    assert_eq!((eu.retry.delay.as_secs(), eu.retry.factor), (3, 1.5));
    assert!(eu.global_config.is_empty());
    assert_eq!(eu.bootstrap_servers.as_deref(), Some("b:1"));
    assert!(eu.embedded_broker.is_none());
}

#[test]
fn a_variable_finds_a_cluster_whose_name_it_cannot_spell() {
    let settings = Loader::new()
        .toml(
            "kafka.toml",
            "[clusters.EU-west]\nbootstrap_servers = \"b:1\"",
        )
        .variables([("KAFKA__CLUSTERS__EU_WEST__BOOTSTRAP_SERVERS", "c:1")])
        .load()
        .expect("they are right");
    let names: Vec<_> = settings.clusters.keys().collect();
    assert_eq!(names, ["EU-west"]);
    assert_eq!(
        settings.clusters["EU-west"].bootstrap_servers.as_deref(),
        Some("c:1")
    );
}

#[test]
fn other_variables_are_left_alone() {
    let settings = from_variables(&[
        ("KAFKA_TEST_BOOTSTRAP", "x:1"),
        ("KAFKA_HOME", "/opt/kafka"),
        ("PATH", "/bin"),
        ("KAFKA_PROFILE", ""),
    ]);
    assert!(settings.cluster.embedded_broker.is_some());
    assert_eq!(settings.profile, "development");
}
