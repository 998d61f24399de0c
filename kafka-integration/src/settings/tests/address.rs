//! An address or the embedded broker, never silently neither.

use super::{directory, from_file, refused, refused_toml, refused_variables, write};
use crate::settings::{ClientKind, Loader, Settings};

#[test]
fn nothing_set_in_development_means_the_embedded_broker() {
    let embedded = from_file("").cluster.embedded_broker;
    let embedded = embedded.expect("a newcomer's first run needs no settings");
    assert_eq!(
        (embedded.data_dir.to_str(), embedded.port),
        (Some(".kafka"), 0)
    );
}

#[test]
fn nothing_set_elsewhere_is_refused() {
    let said = refused_variables(&[("KAFKA_PROFILE", "production")]);
    assert_eq!(
        said,
        "`bootstrap_servers` is not set and the profile is `production`; set it in kafka.toml, \
         or as the environment variable KAFKA__BOOTSTRAP_SERVERS"
    );
    let said = refused_toml("embedded_broker = false");
    assert!(said.starts_with("`bootstrap_servers` is not set"), "{said}");
    let said = refused_toml("[clusters.eu]\nconcurrency = 2");
    assert!(
        said.contains("KAFKA__CLUSTERS__EU__BOOTSTRAP_SERVERS"),
        "{said}"
    );
}

#[test]
fn the_embedded_broker_is_refused_in_production() {
    let said = refused(
        Loader::new()
            .toml("kafka.toml", "embedded_broker = true")
            .profile("production")
            .load(),
    );
    assert!(
        said.starts_with("kafka.toml: `embedded_broker` is refused with the profile `production`"),
        "{said}"
    );
}

#[test]
fn a_user_in_an_address_is_refused_and_not_repeated() {
    let address = "a:1,SASL_PLAINTEXT://ann:hunter2@b:1";
    for said in [
        refused_toml(&format!("bootstrap_servers = \"{address}\"")),
        refused_toml(&format!(
            "[global_config]\nbootstrap.servers = \"{address}\""
        )),
        refused_variables(&[("KAFKA__BOOTSTRAP_SERVERS", address)]),
        Settings::with_bootstrap_servers(address)
            .cluster
            .client_config(ClientKind::Producer, &[])
            .expect_err("it holds a password")
            .to_string(),
    ] {
        assert!(said.contains("sasl.password"), "{said}");
        assert!(
            !said.contains("hunter2") && !said.contains("problems"),
            "{said}"
        );
    }
}

#[test]
fn an_address_as_a_client_property_counts() {
    for property in ["bootstrap.servers", "metadata.broker.list"] {
        let settings = from_file(&format!("[global_config]\n{property:?} = \"a:1\""));
        assert!(settings.cluster.embedded_broker.is_none());
        assert_eq!(settings.cluster.bootstrap_servers.as_deref(), Some("a:1"));
        let config = settings
            .cluster
            .client_config(ClientKind::Consumer, &[])
            .expect("they are right");
        assert_eq!(config.get("bootstrap.servers"), Some("a:1"));
        assert_eq!(config.get("metadata.broker.list"), None);
    }
    // Said twice, and the same.
    from_file("bootstrap_servers = \"a:1\"\n[global_config]\nbootstrap.servers = \"a:1\"");
}

#[test]
fn two_addresses_that_differ_are_refused_with_both_keys() {
    for property in ["bootstrap.servers", "metadata.broker.list"] {
        let said = refused_toml(&format!(
            "bootstrap_servers = \"a:1\"\n[consumer_config]\n{property:?} = \"b:1\""
        ));
        assert_eq!(
            said,
            format!(
                "`bootstrap_servers` (kafka.toml) and `consumer_config.\"{property}\"` (kafka.toml) \
                 contradict each other; keep one of them"
            )
        );
    }
}

#[test]
fn the_higher_layer_decides_between_address_and_embedded_broker() {
    let directory = directory();
    write(directory.path(), "kafka.toml", "embedded_broker = true");
    let moved = Settings::load_from(directory.path(), [("KAFKA__BOOTSTRAP_SERVERS", "a:1")])
        .expect("right");
    assert!(moved.cluster.embedded_broker.is_none());

    write(
        directory.path(),
        "kafka.toml",
        "[global_config]\nbootstrap.servers = \"a:1\"",
    );
    write(
        directory.path(),
        "kafka.development.toml",
        "embedded_broker = true",
    );
    let back = Settings::load_from(directory.path(), super::NO_VARIABLES).expect("right");
    assert!(back.cluster.embedded_broker.is_some());
    let config = back
        .cluster
        .client_config(ClientKind::Producer, &[])
        .expect("right");
    assert_eq!(config.get("bootstrap.servers"), None);

    // The highest of its keys counts.
    let settings = Loader::new()
        .toml(
            "kafka.toml",
            "bootstrap_servers = \"a:1\"\nembedded_broker.data_dir = \"data\"",
        )
        .variables([("KAFKA__EMBEDDED_BROKER__PORT", "1")])
        .load()
        .expect("the variable decides");
    assert!(settings.cluster.embedded_broker.is_some());
    assert!(settings.cluster.bootstrap_servers.is_none());

    let said = refused_toml("embedded_broker = true\nbootstrap_servers = \"a:1\"");
    assert!(said.contains("contradict each other"), "{said}");
}
