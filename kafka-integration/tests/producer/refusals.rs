use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::producer::Written;
use kafka_integration_broker::{EmbeddedBroker, ErrorCode};

use crate::support::*;

async fn refusal<T: Topic<Key = String, Value = String>>(
    topic: T,
    value: &str,
    kafka: &Kafka,
) -> ProduceError {
    soon(
        "the refusal",
        topic
            .produce(value.into())
            .key("ann")
            .on(kafka)
            .into_future(),
    )
    .await
    .expect_err("refused")
}

#[tokio::test]
async fn names_that_cannot_be_produced_to_are_refused_before_anything_connects() {
    let kafka = kafka(NOWHERE, &[]);
    let error = refusal(Named("^orders.*"), "x", &kafka).await;
    assert!(matches!(&error, ProduceError::Pattern { topic } if topic == "^orders.*"));
    let error = refusal(Named("not a name"), "x", &kafka).await;
    assert!(matches!(error, ProduceError::Name(_)), "{error}");
}

#[tokio::test]
async fn the_hook_refuses_with_its_own_words() {
    let error = refusal(Orders, "forbidden", &kafka(NOWHERE, &[])).await;
    assert_eq!(
        error.to_string(),
        "topic orders refused the record: forbidden words"
    );
}

#[tokio::test]
async fn a_record_that_is_too_large_says_which_settings_count() {
    let cluster = cluster();
    let address = cluster.bootstrap_servers();
    let large = "x".repeat(5_000);
    for property in [
        ("message.max.bytes", "2000"),
        // Not even an empty queue has room: an error, and no endless wait.
        ("queue.buffering.max.kbytes", "1"),
    ] {
        let error = refusal(Orders, &large, &kafka(&address, &[property])).await;
        assert!(
            matches!(&error, ProduceError::TooLarge { topic, size: 5_003 } if topic == "orders"),
            "{property:?}: {error}"
        );
        assert!(error.to_string().contains("message.max.bytes"));
    }
}

#[tokio::test]
async fn a_partition_that_is_not_there_is_named() {
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[]);
    for partition in [PARTITIONS, -1] {
        let error = Orders
            .produce("x".into())
            .partition(partition)
            .on(&kafka)
            .await
            .expect_err("refused");
        assert!(
            matches!(&error, ProduceError::UnknownPartition { partition: p, .. } if *p == partition),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_the_broker_refuses_is_an_error_at_the_caller() {
    let cluster = cluster();
    let kafka = kafka(
        &cluster.bootstrap_servers(),
        &[("enable.idempotence", "false")],
    );
    let refused = cluster.on_produce().times(1);
    let refused = refused.error(ErrorCode::TopicAuthorizationFailed);
    refused.expect("a fault");
    let error = refusal(Orders, "x", &kafka).await;
    assert!(
        matches!(&error, ProduceError::Unauthorized { topic, .. } if topic == "orders"),
        "{error}"
    );
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_named() {
    let cluster = Cluster::start(EmbeddedBroker::builder().auto_create_topics(false));
    let kafka = kafka(
        &cluster.bootstrap_servers(),
        &[("topic.metadata.propagation.max.ms", "100")],
    );
    let error = refusal(Named("missing"), "x", &kafka).await;
    assert!(
        matches!(&error, ProduceError::UnknownTopic { topic } if topic == "missing"),
        "{error}"
    );
}

#[tokio::test]
async fn a_timeout_tells_whether_the_record_was_ever_sent() {
    let timeout = ("message.timeout.ms", "1000");
    let error = refusal(Orders, "x", &kafka(NOWHERE, &[timeout, ("linger.ms", "0")])).await;
    assert!(matches!(error, ProduceError::TimedOut { .. }), "{error}");
    assert_eq!(error.written(), Written::No, "{error}");

    // A broker that takes the record and answers too late.
    let cluster = cluster();
    let kafka = kafka(&cluster.bootstrap_servers(), &[timeout, ("linger.ms", "0")]);
    Orders
        .produce("first".into())
        .on(&kafka)
        .await
        .expect("delivered");
    let late = cluster.on_produce().delay(Duration::from_secs(20));
    late.expect("a fault");
    let error = refusal(Orders, "x", &kafka).await;
    assert!(matches!(error, ProduceError::TimedOut { .. }), "{error}");
    assert_eq!(error.written(), Written::Maybe, "{error}");
    assert!(error.to_string().contains("may or may not"), "{error}");
}
