//! Which partitions are in a transaction.

use kafka_integration_tests::raw::Batch;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{AddPartitionsToTxnRequest, ProducerId};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::produce_in;
use crate::support::shapes::{topic_name, transactional_id};
use crate::support::transactions::Producer;

cases!(
    every_version_adds,
    one_unknown_partition_fails_all,
    another_producers_id_is_refused,
    a_partition_that_was_not_added_is_refused,
    a_batch_without_the_transactional_bit_is_refused_while_open,
    a_partition_may_be_added_twice,
);

fn add(producer: &Producer, topics: &[(&str, &[i32])]) -> AddPartitionsToTxnRequest {
    let topics = topics.iter().map(|(name, partitions)| {
        AddPartitionsToTxnTopic::default()
            .with_name(topic_name(*name))
            .with_partitions(partitions.to_vec())
    });
    AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(transactional_id(&producer.transactional_id))
        .with_v3_and_below_producer_id(ProducerId(producer.id))
        .with_v3_and_below_producer_epoch(producer.epoch)
        .with_v3_and_below_topics(topics.collect())
}

/// Topic, partition and error.
async fn added(
    producer: &mut Producer,
    version: i16,
    request: AddPartitionsToTxnRequest,
) -> Vec<(String, i32, i16)> {
    let answer = producer.connection.call(version, request).await;
    let mut all = Vec::new();
    for topic in &answer.results_by_topic_v3_and_below {
        for result in &topic.results_by_partition {
            let name = topic.name.to_string();
            all.push((name, result.partition_index, result.partition_error_code));
        }
    }
    all.sort();
    all
}

async fn every_version_adds(target: &Target) {
    let topic = target.topic_with("add-versions", 4, &[]).await;
    let mut producer = target.transactional("add-versions").await;
    for version in 0..=3 {
        let request = add(&producer, &[(&topic.name, &[i32::from(version)])]);
        let results = added(&mut producer, version, request).await;
        assert_eq!(results, [(topic.name.clone(), i32::from(version), NONE)]);
    }
    producer.try_end(3, false).await;
}

async fn one_unknown_partition_fails_all(target: &Target) {
    let topic = target.topic("add-unknown").await;
    let mut producer = target.transactional("add-unknown").await;
    let missing = target.unique("zz-missing");
    let request = add(&producer, &[(&topic.name, &[0, 7]), (&missing, &[0])]);
    let results = added(&mut producer, 3, request).await;
    let expected = [
        (topic.name.clone(), 0, OPERATION_NOT_ATTEMPTED),
        (topic.name.clone(), 7, UNKNOWN_TOPIC_OR_PARTITION),
        (missing, 0, UNKNOWN_TOPIC_OR_PARTITION),
    ];
    assert_eq!(results, expected);
    let error = producer.try_end(3, true).await.error_code;
    assert_eq!(error, INVALID_TXN_STATE, "nothing has begun");
}

async fn another_producers_id_is_refused(target: &Target) {
    let topic = target.topic("add-other").await;
    let mut producer = target.transactional("add-other").await;
    let id = producer.id;
    producer.id = id + 1_000_000;
    assert_eq!(producer.add(&topic, 0).await, INVALID_PRODUCER_ID_MAPPING);
    let error = producer.try_end(3, true).await.error_code;
    assert_eq!(error, INVALID_PRODUCER_ID_MAPPING);
    producer.id = id;
    producer.transactional_id = target.unique("nobody");
    assert_eq!(producer.add(&topic, 0).await, INVALID_PRODUCER_ID_MAPPING);
    let error = producer.try_end(3, true).await.error_code;
    assert_eq!(error, INVALID_PRODUCER_ID_MAPPING);
    producer.transactional_id = String::new();
    assert_eq!(producer.add(&topic, 0).await, INVALID_REQUEST);
}

async fn a_partition_that_was_not_added_is_refused(target: &Target) {
    let topic = target.topic_with("not-added", 2, &[]).await;
    let mut producer = target.transactional("not-added").await;
    for (version, expected) in [
        (9, INVALID_TXN_STATE),
        (10, INVALID_TXN_STATE),
        (11, TRANSACTION_ABORTABLE),
    ] {
        producer.sequence = 0;
        let batch = producer.batch(&["a"]);
        let (error, _) = producer.produce(version, &topic, 1, &batch).await;
        assert_eq!(error, expected, "no transaction, version {version}");
    }
    producer.sequence = 0;
    producer.append(&topic, &["a"]).await;
    for (version, expected) in [(10, INVALID_TXN_STATE), (11, TRANSACTION_ABORTABLE)] {
        producer.sequence = 0;
        let batch = producer.batch(&["a"]);
        let (error, offset) = producer.produce(version, &topic, 1, &batch).await;
        assert_eq!((error, offset), (expected, -1), "version {version}");
    }
    producer.end(target, true, &[&topic]).await;
    assert_eq!(target.list_offset(&topic, 1, -1).await.offset, 0);
}

async fn a_batch_without_the_transactional_bit_is_refused_while_open(target: &Target) {
    let topic = target.topic("plain-while-open").await;
    let mut producer = target.transactional("plain-while-open").await;
    producer.append(&topic, &["a"]).await;
    let plain = Batch::of(["b"]).producer(producer.id, producer.epoch, producer.sequence);
    let answer = target.produce(&topic, 0, &plain).await;
    assert_eq!(answer.error_code, INVALID_TXN_STATE);
    producer.end(target, true, &[&topic]).await;
}

async fn a_partition_may_be_added_twice(target: &Target) {
    let topic = target.topic("added-twice").await;
    let mut producer = target.transactional("added-twice").await;
    producer.append(&topic, &["a"]).await;
    producer.append(&topic, &["b"]).await;
    let id = producer.transactional_id.clone();
    let batch = producer.batch(&["c"]);
    let request = produce_in(&id, 9, &topic, 0, &batch);
    let answer = producer.connection.call(9, request).await;
    let partition = &answer.responses[0].partition_responses[0];
    assert_eq!((partition.error_code, partition.base_offset), (NONE, 2));
    producer.end(target, true, &[&topic]).await;
}
