//! The protocol of Kafka 4, "transactions version 2": partitions join with the
//! first record, and each end raises the epoch.

use crate::support::codes::*;
use crate::support::log::batches;
use crate::support::transactions::Producer;
use crate::support::{Target, eventually};

cases!(
    the_feature_is_finalized,
    a_partition_joins_with_its_first_batch,
    each_end_raises_the_epoch,
    an_end_may_be_repeated_with_the_old_epoch,
    an_abort_of_nothing_raises_the_epoch,
    a_commit_of_nothing_is_refused,
    a_new_producer_starts_at_zero,
    the_old_epoch_cannot_append,
    a_group_joins_with_its_first_offset,
);

/// EndTxn 5, until the transaction before is out of the way.
async fn end(producer: &mut Producer, commit: bool) -> (i16, i16) {
    let answer = eventually("the end of the transaction", async || {
        let answer = producer.try_end(5, commit).await;
        (answer.error_code != CONCURRENT_TRANSACTIONS).then_some(answer)
    })
    .await;
    if answer.error_code == NONE {
        assert_eq!(answer.producer_id.0, producer.id);
        producer.epoch = answer.producer_epoch;
        producer.sequence = 0;
    }
    (answer.error_code, answer.producer_epoch)
}

/// Produce 12, until the transaction before is out of the way.
async fn append(
    producer: &mut Producer,
    topic: &crate::support::topics::Topic,
    values: &[&str],
) -> (i16, i64) {
    let batch = producer.batch(values);
    eventually("the batch is in the transaction", async || {
        let seen = producer.produce(12, topic, 0, &batch).await;
        (seen.0 != CONCURRENT_TRANSACTIONS).then_some(seen)
    })
    .await
}

async fn the_feature_is_finalized(target: &Target) {
    use kafka_protocol::messages::ApiVersionsRequest;

    let request = ApiVersionsRequest::default()
        .with_client_software_name(crate::support::shapes::text("raw"))
        .with_client_software_version(crate::support::shapes::text("1"));
    let answer = target.call(4, request).await;
    let features = answer.finalized_features.iter();
    let level = features
        .clone()
        .find(|feature| &*feature.name == "transaction.version")
        .map(|feature| feature.max_version_level);
    assert_eq!(level, Some(2));
}

async fn a_partition_joins_with_its_first_batch(target: &Target) {
    let topic = target.topic("implicit").await;
    let mut producer = target.transactional("implicit").await;
    assert_eq!(append(&mut producer, &topic, &["a"]).await, (NONE, 0));
    assert_eq!(append(&mut producer, &topic, &["b"]).await, (NONE, 1));
    let batch = producer.batch(&["c"]);
    assert_eq!(producer.produce(13, &topic, 0, &batch).await, (NONE, 2));
    let data = target.fetch_committed(&topic, 0).await;
    assert_eq!(data.last_stable_offset, 0);
    assert_eq!(end(&mut producer, true).await, (NONE, 1));
    producer.ended(target, &topic, 0).await;
    let read = batches(&target.fetch_committed(&topic, 0).await);
    assert_eq!(read.len(), 4);
    assert!(read[3].marker.is_some_and(|marker| marker.commit));
    assert_eq!(read[3].producer_epoch, 1, "the marker has the new epoch");
}

async fn each_end_raises_the_epoch(target: &Target) {
    let topic = target.topic("raises").await;
    let mut producer = target.transactional("raises").await;
    for epoch in 0..4 {
        assert_eq!(producer.epoch, epoch);
        let (error, _) = append(&mut producer, &topic, &["a", "b"]).await;
        assert_eq!(error, NONE, "sequences start at 0 again");
        assert_eq!(end(&mut producer, epoch % 2 == 0).await, (NONE, epoch + 1));
    }
    producer.ended(target, &topic, 0).await;
    assert_eq!(target.list_offset(&topic, 0, -1).await.offset, 12);
}

async fn an_end_may_be_repeated_with_the_old_epoch(target: &Target) {
    let topic = target.topic("end-repeated").await;
    let mut producer = target.transactional("end-repeated").await;
    for commit in [true, false] {
        let before = producer.epoch;
        append(&mut producer, &topic, &["a"]).await;
        assert_eq!(end(&mut producer, commit).await, (NONE, before + 1));
        producer.ended(target, &topic, 0).await;
        producer.epoch = before;
        let refused = end(&mut producer, !commit).await.0;
        assert_eq!(refused, INVALID_TXN_STATE, "the other way");
        assert_eq!(end(&mut producer, commit).await, (NONE, before + 1));
    }
    assert_eq!(target.list_offset(&topic, 0, -1).await.offset, 4);
}

async fn an_abort_of_nothing_raises_the_epoch(target: &Target) {
    let topic = target.topic("empty-abort").await;
    let mut producer = target.transactional("empty-abort").await;
    assert_eq!(end(&mut producer, false).await, (NONE, 1));
    assert_eq!(end(&mut producer, false).await, (NONE, 2));
    append(&mut producer, &topic, &["a"]).await;
    assert_eq!(end(&mut producer, true).await, (NONE, 3));
    assert_eq!(end(&mut producer, false).await, (NONE, 4), "after a commit");
}

async fn a_commit_of_nothing_is_refused(target: &Target) {
    let mut producer = target.transactional("empty-commit").await;
    assert_eq!(end(&mut producer, true).await.0, INVALID_TXN_STATE);
    assert_eq!(end(&mut producer, false).await, (NONE, 1));
    assert_eq!(end(&mut producer, true).await.0, INVALID_TXN_STATE);
}

async fn a_new_producer_starts_at_zero(target: &Target) {
    let topic = target.topic("starts-at-zero").await;
    let mut producer = target.transactional("starts-at-zero").await;
    producer.sequence = 5;
    let (error, _) = append(&mut producer, &topic, &["a"]).await;
    assert_eq!(error, OUT_OF_ORDER_SEQUENCE_NUMBER);
    producer.sequence = 0;
    let (error, _) = append(&mut producer, &topic, &["a"]).await;
    assert_eq!(error, NONE);
    assert_eq!(end(&mut producer, true).await, (NONE, 1));
}

async fn the_old_epoch_cannot_append(target: &Target) {
    let topic = target.topic("old-epoch").await;
    let mut producer = target.transactional("old-epoch").await;
    append(&mut producer, &topic, &["a"]).await;
    assert_eq!(end(&mut producer, true).await, (NONE, 1));
    producer.ended(target, &topic, 0).await;
    producer.epoch = 0;
    producer.sequence = 1;
    let (error, _) = append(&mut producer, &topic, &["late"]).await;
    assert_eq!(error, INVALID_PRODUCER_EPOCH);
}

async fn a_group_joins_with_its_first_offset(target: &Target) {
    let topic = target.topic("implicit-group").await;
    let group = target.group("implicit-group").await;
    let mut producer = target.transactional("implicit-group").await;
    assert_eq!(producer.commit_offset(5, &group, &topic, 5).await, NONE);
    let unstable = (-1, UNSTABLE_OFFSET_COMMIT);
    assert_eq!(target.committed(&group, &topic, true).await, unstable);
    assert_eq!(end(&mut producer, true).await, (NONE, 1));
    eventually("the offset is committed", async || {
        (target.committed(&group, &topic, true).await == (5, NONE)).then_some(())
    })
    .await;
}
