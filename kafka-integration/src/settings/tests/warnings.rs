//! What is left out or has no effect is said in the log.

use super::{from_file, from_variables};
use crate::settings::ClientKind;
use crate::test_log::Log;

fn logged(work: impl FnOnce()) -> String {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), work);
    log.text()
}

#[test]
fn each_property_that_the_new_group_protocol_takes_away_is_named() {
    let said = logged(|| {
        let settings = from_file(
            "[consumer_config]\ngroup.protocol = \"consumer\"\nsession.timeout.ms = 30000\n\
             heartbeat.interval.ms = 1000\npartition.assignment.strategy = \"range\"",
        );
        let config = settings.cluster.client_config(ClientKind::Consumer, &[]);
        config.expect("they are right");
    });
    for name in [
        "session.timeout.ms",
        "heartbeat.interval.ms",
        "partition.assignment.strategy",
    ] {
        assert!(said.contains(&format!("`{name}` is left out")), "{said}");
    }
}

#[test]
fn giving_up_idempotence_is_said() {
    let said = logged(|| {
        from_file("[producer_config]\nacks = 1");
    });
    assert!(
        said.contains("`acks` = \"1\" turns the producer's idempotence off"),
        "{said}"
    );
}

#[test]
fn a_variable_with_one_underscore_is_pointed_at() {
    let said = logged(|| {
        from_variables(&[("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")]);
    });
    assert!(
        said.contains("did you mean KAFKA__BOOTSTRAP_SERVERS?"),
        "{said}"
    );
}

#[test]
fn every_key_with_one_underscore_is_pointed_out() {
    for (written, meant) in [
        ("KAFKA_CONCURRENCY", "KAFKA__CONCURRENCY"),
        ("KAFKA_SHUTDOWN_TIMEOUT", "KAFKA__SHUTDOWN_TIMEOUT"),
        ("KAFKA_RETRY_DELAY", "KAFKA__RETRY__DELAY"),
        ("KAFKA_RETRY_TOPIC_SUFFIX", "KAFKA__RETRY_TOPIC_SUFFIX"),
        (
            "KAFKA_RETRY_CONSUMER_CONFIG__CLIENT_RACK",
            "KAFKA__RETRY_CONSUMER_CONFIG__CLIENT_RACK",
        ),
        (
            "KAFKA_CONSUMER_CONFIG__FETCH_MIN_BYTES",
            "KAFKA__CONSUMER_CONFIG__FETCH_MIN_BYTES",
        ),
    ] {
        let said = logged(|| {
            from_variables(&[(written, "x")]);
        });
        assert!(said.contains(&format!("did you mean {meant}?")), "{said}");
    }
    let said = logged(|| {
        from_variables(&[("KAFKA_OPTS", "x"), ("KAFKA_PROFILE", "development")]);
    });
    assert!(!said.contains("did you mean"), "{said}");
}
