//! Acknowledgements, and where records go.

use std::time::Duration;

use kafka_integration_tests::raw::{Batch, Record};
use kafka_protocol::messages::{ApiVersionsRequest, ProduceRequest};

use crate::support::codes::*;
use crate::support::log::{produce, produced, values};
use crate::support::topics::Topic;
use crate::support::{Target, eventually};

cases!(
    every_acks_appends,
    acks_zero_has_no_answer,
    acks_zero_closes_the_connection_on_an_error,
    other_acks_are_refused,
    unknown_topics_and_partitions_are_refused,
    unknown_topic_ids_are_refused,
    every_version_appends,
    answers_come_in_the_order_of_requests,
    log_append_time_replaces_the_timestamps,
    timestamps_out_of_range_are_refused,
    a_batch_above_the_limit_is_too_large,
    records_without_a_key_are_refused_where_the_topic_is_compacted,
    transactional_records_need_a_transactional_id,
);

async fn every_acks_appends(target: &Target) {
    let topic = target.topic("every-acks").await;
    for (offset, acks) in [(0, 1), (1, -1)] {
        let request = produce(9, &topic, 0, Batch::of(["a"]).encode()).with_acks(acks);
        let answer = produced(target.call(9, request).await);
        assert_eq!((answer.error_code, answer.base_offset), (NONE, offset));
        assert_eq!(answer.log_append_time_ms, -1, "create time");
        assert_eq!(answer.log_start_offset, 0);
        assert!(answer.record_errors.is_empty());
    }
}

async fn acks_zero_has_no_answer(target: &Target) {
    let topic = target.topic("acks-zero").await;
    let mut connection = target.connect().await;
    let request = produce(9, &topic, 0, Batch::of(["a"]).encode()).with_acks(0);
    let _none = connection.send(9, request).await;
    assert!(connection.silent_for(Duration::from_millis(300)).await);
    eventually("the record is there", async || {
        (values(&target.fetch(&topic, 0, 0).await) == ["a"]).then_some(())
    })
    .await;
}

async fn acks_zero_closes_the_connection_on_an_error(target: &Target) {
    let topic = target.topic("acks-zero-error").await;
    let mut connection = target.connect().await;
    let request = produce(9, &topic, 7, Batch::of(["a"]).encode()).with_acks(0);
    let _none = connection.send(9, request).await;
    assert!(connection.frame().await.is_none());
}

async fn other_acks_are_refused(target: &Target) {
    let topic = target.topic("other-acks").await;
    for acks in [2, -2, i16::MAX] {
        let request = produce(9, &topic, 0, Batch::of(["a"]).encode()).with_acks(acks);
        let answer = produced(target.call(9, request).await);
        let seen = (answer.error_code, answer.base_offset);
        assert_eq!(seen, (INVALID_REQUIRED_ACKS, -1), "acks {acks}");
    }
}

async fn unknown_topics_and_partitions_are_refused(target: &Target) {
    let topic = target.topic("unknown-partition").await;
    let missing = Topic {
        name: target.unique("missing"),
        ..topic.clone()
    };
    for (topic, partition) in [(&missing, 0), (&topic, 1), (&topic, -1)] {
        let answer = target.produce(topic, partition, &Batch::of(["a"])).await;
        assert_eq!(answer.error_code, UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(answer.base_offset, -1);
    }
}

async fn unknown_topic_ids_are_refused(target: &Target) {
    let topic = Topic {
        name: String::new(),
        id: uuid::Uuid::from_u128(7),
    };
    let request = produce(13, &topic, 0, Batch::of(["a"]).encode());
    let response = target.call(13, request).await;
    assert_eq!(response.responses[0].topic_id, topic.id);
    assert_eq!(produced(response).error_code, UNKNOWN_TOPIC_ID);
}

async fn every_version_appends(target: &Target) {
    let topic = target.topic("every-version").await;
    for version in 3..=13 {
        let request = produce(version, &topic, 0, Batch::of(["a"]).encode());
        let answer = produced(target.call(version, request).await);
        let seen = (answer.error_code, answer.base_offset);
        assert_eq!(seen, (NONE, i64::from(version) - 3), "version {version}");
    }
}

async fn answers_come_in_the_order_of_requests(target: &Target) {
    let topic = target.topic("pipelined").await;
    let mut connection = target.connect().await;
    let mut tickets = Vec::new();
    for value in ["a", "b", "c", "d"] {
        let request: ProduceRequest = produce(9, &topic, 0, Batch::of([value]).encode());
        tickets.push(connection.send(9, request).await);
    }
    let last = connection.send(3, ApiVersionsRequest::default()).await;
    for (offset, ticket) in (0..).zip(tickets) {
        let answer = produced(connection.answer(ticket).await);
        assert_eq!(answer.base_offset, offset);
    }
    connection.answer(last).await;
    assert_eq!(
        values(&target.fetch(&topic, 0, 0).await),
        ["a", "b", "c", "d"]
    );
}

async fn log_append_time_replaces_the_timestamps(target: &Target) {
    let configs = [("message.timestamp.type", "LogAppendTime")];
    let topic = target.topic_with("append-time", 1, &configs).await;
    let sent = Record::today();
    let old = Batch::new([Record::new("a").at(sent + 1), Record::new("b").at(sent)]);
    let answer = target.produce(&topic, 0, &old).await;
    assert_eq!(answer.error_code, NONE);
    let appended = answer.log_append_time_ms;
    assert!(appended > Record::today(), "now, not {appended}");
    let data = target.fetch(&topic, 0, 0).await;
    let batch = &crate::support::log::batches(&data)[0];
    assert_eq!(batch.attributes & 8, 8, "the timestamp type's bit");
    assert_eq!(batch.max_timestamp, appended);
    assert_eq!(batch.base_timestamp, sent + 1, "the producer's stays");
    let looked_up = target.list_offset(&topic, 0, appended).await;
    assert_eq!((looked_up.timestamp, looked_up.offset), (appended, 0));
}

async fn timestamps_out_of_range_are_refused(target: &Target) {
    let configs = [("message.timestamp.before.max.ms", "60000")];
    let topic = target.topic_with("old-timestamp", 1, &configs).await;
    let answer = target.produce(&topic, 0, &Batch::of(["old"])).await;
    assert_eq!(answer.error_code, INVALID_TIMESTAMP);
    assert_eq!(answer.base_offset, -1);

    let topic = target.topic("future-timestamp").await;
    let far = Record::today() * 2;
    let two = Batch::new([Record::new("good"), Record::new("bad").at(far)]);
    let answer = target.produce(&topic, 0, &two).await;
    assert_eq!(answer.error_code, INVALID_TIMESTAMP);
    let errors: Vec<_> = answer.record_errors.iter().map(|e| e.batch_index).collect();
    assert_eq!(errors, [1], "the record that is wrong");
    assert!(answer.error_message.is_some());
}

async fn a_batch_above_the_limit_is_too_large(target: &Target) {
    let configs = [("max.message.bytes", "200")];
    let topic = target.topic_with("too-large", 1, &configs).await;
    // The header is 61 bytes, a record here 9 more than its value.
    let fits = "x".repeat(200 - 61 - 9);
    assert_eq!(Batch::of([&*fits]).encode().len(), 200);
    let answer = target.produce(&topic, 0, &Batch::of([&*fits])).await;
    assert_eq!(answer.error_code, NONE);
    let answer = target
        .produce(&topic, 0, &Batch::of([&*(fits + "x")]))
        .await;
    assert_eq!(answer.error_code, MESSAGE_TOO_LARGE);
    assert_eq!(answer.base_offset, -1);
}

async fn records_without_a_key_are_refused_where_the_topic_is_compacted(target: &Target) {
    let configs = [("cleanup.policy", "compact")];
    let topic = target.topic_with("no-key", 1, &configs).await;
    let batch = Batch::new([
        Record::new("a").key("k"),
        Record::new("b"),
        Record::new("c"),
    ]);
    let answer = target.produce(&topic, 0, &batch).await;
    assert_eq!(answer.error_code, INVALID_RECORD);
    let errors: Vec<_> = answer.record_errors.iter().map(|e| e.batch_index).collect();
    assert_eq!(errors, [1, 2]);
    let empty_key = Batch::new([Record::new("a").key("")]);
    let answer = target.produce(&topic, 0, &empty_key).await;
    assert_eq!((answer.error_code, answer.base_offset), (NONE, 0));
}

async fn transactional_records_need_a_transactional_id(target: &Target) {
    let topic = target.topic("no-transactional-id").await;
    let batch = Batch::of(["a"]).producer(1, 0, 0).transactional();
    let answer = target.produce(&topic, 0, &batch).await;
    assert_eq!(answer.error_code, TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
}
