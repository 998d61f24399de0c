//! What librdkafka says about client properties.

use super::{from_file, refused_toml, refused_variables};
use crate::settings::{ClientKind, Settings, property_names};

#[test]
fn an_unknown_property_is_refused_with_key_file_reason_and_nearest() {
    let said = refused_toml("[consumer_config]\nfetch.min.byte = 1");
    assert_eq!(
        said,
        "kafka.toml: `consumer_config.\"fetch.min.byte\"`: librdkafka refuses it: \
         No such configuration property: \"fetch.min.byte\"; did you mean `fetch.min.bytes`?"
    );
    let said = refused_variables(&[("KAFKA__PRODUCER_CONFIG__LINGER_MSS", "5")]);
    assert!(
        said.starts_with("environment variable KAFKA__PRODUCER_CONFIG__LINGER_MSS: `producer_config.\"linger.mss\"`"),
        "{said}"
    );
    let said =
        refused_toml("[clusters.eu]\nbootstrap_servers = \"a:1\"\nglobal_config.nonsense = 1");
    assert!(
        said.contains("`clusters.eu.global_config.\"nonsense\"`"),
        "{said}"
    );
}

#[test]
fn a_bad_value_is_refused_with_librdkafkas_reason() {
    let said = refused_toml("[consumer_config]\nfetch.min.bytes = -5");
    assert!(
        said.starts_with("kafka.toml: `consumer_config.\"fetch.min.bytes\"`: "),
        "{said}"
    );
    assert!(said.contains("outside allowed range"), "{said}");
    let said = refused_toml("[producer_config]\ncompression.type = \"brotli\"");
    assert!(said.contains("Invalid value \"brotli\""), "{said}");
    let said = refused_toml("[global_config]\n\"client.rack\" = \"a\\u0000b\"");
    assert!(said.contains("zero byte"), "{said}");
}

#[test]
fn a_consumers_own_config_is_checked_as_well() {
    let overrides = [("auto.offset.rest".to_owned(), "earliest".to_owned())];
    let said = Settings::default()
        .cluster
        .client_config(ClientKind::Consumer, &overrides)
        .expect_err("it is misspelt")
        .to_string();
    assert!(said.contains("`config(\"auto.offset.rest\")`"), "{said}");
    assert!(said.contains("did you mean `auto.offset.reset`?"), "{said}");
}

#[test]
fn properties_that_contradict_each_other_are_found_before_a_client_connects() {
    let said = refused_toml(
        "bootstrap_servers = \"a:1\"\n[clusters.eu]\nbootstrap_servers = \"b:1\"\n\
         [clusters.eu.consumer_config]\nsession.timeout.ms = 60000\nmax.poll.interval.ms = 10000",
    );
    assert!(
        said.starts_with("cluster `eu`: librdkafka refuses the settings of a consumer together: "),
        "{said}"
    );
    assert!(said.contains("max.poll.interval.ms"), "{said}");
}

#[test]
fn two_names_of_one_property_must_agree() {
    let said = refused_toml("[producer_config]\nacks = 1\n\"request.required.acks\" = 2");
    assert!(
        said.contains("`producer_config.\"acks\"`")
            && said.contains("`producer_config.\"request.required.acks\"`")
            && said.contains("contradict"),
        "{said}"
    );
    let said = refused_toml("[consumer_config]\nfetch.min.bytes = 1\n\"fetch.min.bytes\" = 2");
    assert!(said.contains("contradict"), "{said}");
}

#[cfg(not(any(feature = "ssl", feature = "ssl-vendored")))]
#[test]
fn what_is_not_compiled_in_is_named_with_its_feature() {
    for own in [
        "security.protocol = \"ssl\"",
        "\"ssl.ca.location\" = \"/etc/ssl/ca.pem\"",
        "sasl.mechanism = \"SCRAM-SHA-256\"",
        "sasl.mechanisms = \"OAUTHBEARER\"",
    ] {
        let said = refused_toml(&format!("[global_config]\n{own}"));
        assert!(
            said.contains("not compiled in") && said.contains("the feature `ssl`"),
            "{own}: {said}"
        );
    }
    from_file(
        "[global_config]\nsasl.mechanism = \"PLAIN\"\nsecurity.protocol = \"sasl_plaintext\"\nsasl.username = \"a\"\nsasl.password = \"b\"",
    );
}

#[test]
fn zstd_needs_its_feature() {
    let text = "[producer_config]\ncompression.type = \"zstd\"";
    if cfg!(feature = "zstd") {
        from_file(text);
    } else {
        let said = refused_toml(text);
        assert!(said.contains("the feature `zstd`"), "{said}");
    }
}

#[test]
fn every_name_that_is_guessed_exists() {
    for name in property_names::KNOWN {
        // The value may be wrong, the name may not.
        let set = rdkafka::ClientConfig::new()
            .set(*name, "1")
            .create_native_config();
        if let Err(error) = set {
            let error = error.to_string();
            assert!(!error.contains("No such configuration property"), "{error}");
        }
    }
}
