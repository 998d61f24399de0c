//! Secrets are used and never shown.

use super::{from_file, refused, refused_toml, refused_variables};
use crate::settings::{ClientKind, Loader, Settings};

const SECRET: &str = "hunter2-5ecret";

#[test]
fn debug_and_describe_mask_secrets_and_the_client_gets_them() {
    let settings = from_file(&format!(
        "bootstrap_servers = \"a:1\"\n\
         [global_config]\nsasl.mechanism = \"PLAIN\"\nsasl.username = \"shop\"\nsasl.password = \"{SECRET}\"\n\
         [clusters.eu]\nbootstrap_servers = \"b:1\"\nconsumer_config = {{ \"sasl.password\" = \"{SECRET}\" }}"
    ));
    for shown in [
        format!("{settings:?}"),
        format!("{settings:#?}"),
        format!("{:?}", settings.cluster),
        format!("{:?}", settings.describe()),
    ] {
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(shown.contains("***") && shown.contains("shop"), "{shown}");
    }
    let config = settings
        .cluster
        .client_config(ClientKind::Producer, &[])
        .expect("they are right");
    assert_eq!(config.get("sasl.password"), Some(SECRET));
}

#[test]
fn the_loader_shows_no_values_of_variables() {
    let loader = Loader::new().variables([("KAFKA__GLOBAL_CONFIG__SASL_PASSWORD", SECRET)]);
    let shown = format!("{loader:?}");
    assert!(
        shown.contains("SASL_PASSWORD") && !shown.contains(SECRET),
        "{shown}"
    );
    let loader = Loader::new().toml("kafka.toml", format!("sasl.password = \"{SECRET}\""));
    let shown = format!("{loader:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn no_error_shows_a_secret() {
    let toml = [
        // Misspelt, misplaced, of the wrong type, unquoted, unfinished.
        format!("[global_config]\nsasl.pasword = \"{SECRET}\""),
        format!("sasl.password = \"{SECRET}\""),
        format!("password = \"{SECRET}\""),
        format!("[global_config]\nsasl.password = [\"{SECRET}\"]"),
        format!("[global_config]\nsasl.password = {SECRET}"),
        format!("[global_config]\nsasl.password = \"{SECRET}"),
        format!("[global_config]\nsasl.password = \"{SECRET}\" x"),
        format!("[global_config]\nsasl.password = \"{SECRET}\"\nsasl.password = \"{SECRET}\""),
        format!("[global_config]\n\"ssl.key.password\" = \"{SECRET}\"\nnonsense = 1"),
        format!("[global_config]\n\"sasl.jaas.config\" = \"{SECRET}\""),
        // Values that are refused where the name is secret.
        format!("[global_config]\n\"sasl.password\" = \"{SECRET}\\u0000\""),
        format!("[global_config]\n\"enable.sasl.oauthbearer.unsecure.jwt.token\" = \"{SECRET}\""),
        format!("[global_config]\n\"sasl.oauthbearer.assertion.claim.exp.seconds\" = \"{SECRET}\""),
        // And together with what is refused at last.
        format!(
            "[global_config]\nsecurity.protocol = \"sasl_plaintext\"\nsasl.mechanism = \"{SECRET}\"\nsasl.password = \"{SECRET}\""
        ),
    ];
    for text in &toml {
        let said = refused_toml(text);
        assert!(!said.contains(SECRET), "{text}\n{said}");
        let debug = format!("{:?}", Loader::new().toml("kafka.toml", text).load());
        assert!(!debug.contains(SECRET), "{text}\n{debug}");
    }
    for variable in ["KAFKA__SASL_PASSWORD", "KAFKA__GLOBAL_CONFIG__SASL_PASWORD"] {
        let said = refused_variables(&[(variable, SECRET)]);
        assert!(said.contains(variable) && !said.contains(SECRET), "{said}");
    }
    let said = refused_variables(&[
        ("KAFKA__CLUSTERS", SECRET),
        ("KAFKA__CLUSTERS__EU__CLIENT_ID", "a"),
    ]);
    assert!(!said.contains(SECRET), "{said}");
    let said = refused(
        Loader::new()
            .toml(
                "kafka.toml",
                format!("[global_config]\nsasl.password.x = \"{SECRET}\""),
            )
            .load(),
    );
    assert!(!said.contains(SECRET), "{said}");
}

#[test]
fn a_secret_of_a_consumers_own_config_is_not_shown_either() {
    let overrides = [(
        "sasl.oauthbearer.assertion.claim.exp.seconds".to_owned(),
        SECRET.to_owned(),
    )];
    let error = Settings::default()
        .cluster
        .client_config(ClientKind::Consumer, &overrides)
        .expect_err("it is not a number, or not compiled in");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
}
