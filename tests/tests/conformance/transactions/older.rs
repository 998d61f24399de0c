//! The protocol before Kafka 4: AddPartitionsToTxn, Produce below 12, EndTxn
//! below 5.

use crate::support::codes::*;
use crate::support::log::{batches, values};
use crate::support::{Target, eventually};

cases!(
    a_commit_writes_a_marker,
    an_abort_writes_a_marker,
    every_partition_gets_the_marker,
    sequences_go_on_after_the_end,
    ending_again_the_same_way_is_no_error,
    ending_again_the_other_way_is_refused,
    ending_what_has_not_begun_is_refused,
    every_version_ends,
    a_transaction_of_nothing_written_ends,
);

async fn a_commit_writes_a_marker(target: &Target) {
    let topic = target.topic("commit").await;
    let mut producer = target.transactional("commit").await;
    assert_eq!(producer.append(&topic, &["a", "b"]).await, 0);
    producer.end(target, true, &[&topic]).await;
    let data = target.fetch_committed(&topic, 0).await;
    let read = batches(&data);
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].attributes, 0x10, "transactional");
    let marker = &read[1];
    assert_eq!((marker.base_offset, marker.last_offset_delta), (2, 0));
    assert_eq!(marker.attributes, 0x30, "transactional, control");
    assert_eq!(
        (marker.producer_id, marker.producer_epoch),
        (producer.id, 0)
    );
    assert_eq!(marker.base_sequence, -1);
    let record = &marker.records[0];
    // Version 0, type 1: commit. Version 0, the coordinator's epoch.
    assert_eq!(record.key.as_deref(), Some(&[0, 0, 0, 1][..]));
    let value = record.value.as_deref().expect("a value");
    assert_eq!((value.len(), &value[..2]), (6, &[0, 0][..]));
    assert_eq!(
        target.append(&topic, 0, ["c"]).await,
        3,
        "a marker is a record"
    );
}

async fn an_abort_writes_a_marker(target: &Target) {
    let topic = target.topic("abort").await;
    let mut producer = target.transactional("abort").await;
    producer.append(&topic, &["a"]).await;
    producer.end(target, false, &[&topic]).await;
    let data = target.fetch_committed(&topic, 0).await;
    let aborted = data.aborted_transactions.clone().expect("a list");
    assert_eq!(
        (aborted[0].producer_id.0, aborted[0].first_offset),
        (producer.id, 0)
    );
    let marker = batches(&data)[1].marker.expect("a marker");
    assert!(!marker.commit);
    let key = batches(&data)[1].records[0].key.clone();
    assert_eq!(key.as_deref(), Some(&[0, 0, 0, 0][..]));
}

async fn every_partition_gets_the_marker(target: &Target) {
    let one = target.topic_with("markers-1", 2, &[]).await;
    let two = target.topic("markers-2").await;
    let mut producer = target.transactional("markers").await;
    for (topic, partition) in [(&one, 0), (&one, 1), (&two, 0)] {
        assert_eq!(producer.add(topic, partition).await, NONE);
        producer.sequence = 0;
        let batch = producer.batch(&["a"]);
        let (error, _) = producer.produce(9, topic, partition, &batch).await;
        assert_eq!(error, NONE);
    }
    producer.end(target, true, &[&one, &two]).await;
    for (topic, partition) in [(&one, 0), (&one, 1), (&two, 0)] {
        producer.ended(target, topic, partition).await;
        let read = batches(&target.fetch(topic, partition, 0).await);
        assert_eq!(read.len(), 2);
        assert!(read[1].marker.is_some_and(|marker| marker.commit));
    }
}

async fn sequences_go_on_after_the_end(target: &Target) {
    let topic = target.topic("go-on").await;
    let mut producer = target.transactional("go-on").await;
    producer.append(&topic, &["a", "b"]).await;
    producer.end(target, true, &[&topic]).await;
    assert_eq!(producer.sequence, 2);
    producer.append(&topic, &["c"]).await;
    producer.end(target, false, &[&topic]).await;
    producer.append(&topic, &["d"]).await;
    producer.end(target, true, &[&topic]).await;
    assert_eq!(
        values(&target.fetch(&topic, 0, 0).await),
        ["a", "b", "c", "d"]
    );
}

async fn ending_again_the_same_way_is_no_error(target: &Target) {
    let topic = target.topic("end-again").await;
    let mut producer = target.transactional("end-again").await;
    for commit in [true, false] {
        producer.append(&topic, &["a"]).await;
        producer.end(target, commit, &[&topic]).await;
        let again = eventually("the end is complete", async || {
            let error = producer.try_end(3, commit).await.error_code;
            (error != CONCURRENT_TRANSACTIONS).then_some(error)
        });
        assert_eq!(again.await, NONE);
    }
    assert_eq!(
        target.list_offset(&topic, 0, -1).await.offset,
        4,
        "two markers"
    );
}

async fn ending_again_the_other_way_is_refused(target: &Target) {
    let topic = target.topic("other-way").await;
    let mut producer = target.transactional("other-way").await;
    for commit in [true, false] {
        producer.append(&topic, &["a"]).await;
        producer.end(target, commit, &[&topic]).await;
        let error = eventually("the end is complete", async || {
            let error = producer.try_end(3, !commit).await.error_code;
            (error != CONCURRENT_TRANSACTIONS).then_some(error)
        });
        assert_eq!(error.await, INVALID_TXN_STATE);
    }
}

async fn ending_what_has_not_begun_is_refused(target: &Target) {
    let mut producer = target.transactional("not-begun").await;
    for commit in [true, false] {
        let error = producer.try_end(3, commit).await.error_code;
        assert_eq!(error, INVALID_TXN_STATE);
    }
}

async fn every_version_ends(target: &Target) {
    let topic = target.topic("end-versions").await;
    let mut producer = target.transactional("end-versions").await;
    for version in 0..=4 {
        producer.append(&topic, &["a"]).await;
        let answer = producer.try_end(version, true).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        producer.ended(target, &topic, 0).await;
    }
}

async fn a_transaction_of_nothing_written_ends(target: &Target) {
    let topic = target.topic("nothing-written").await;
    let mut producer = target.transactional("nothing-written").await;
    assert_eq!(producer.add(&topic, 0).await, NONE);
    assert_eq!(producer.try_end(3, true).await.error_code, NONE);
    // The marker is written all the same.
    eventually("a marker", async || {
        let end = target.list_offset(&topic, 0, -1).await.offset;
        (end == 1).then_some(())
    })
    .await;
}
