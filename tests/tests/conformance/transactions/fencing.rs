//! A producer that another one has replaced, or that was too slow.

use crate::support::codes::*;
use crate::support::log::batches;
use crate::support::transactions::{init, initialize};
use crate::support::{Target, eventually};

cases!(
    an_old_self_is_fenced_everywhere,
    older_versions_hear_of_a_wrong_epoch,
    an_old_self_cannot_append,
    a_transaction_that_takes_too_long_is_aborted,
    a_producer_that_was_too_slow_can_go_on,
);

async fn an_old_self_is_fenced_everywhere(target: &Target) {
    let topic = target.topic("fencing").await;
    let mut old = target.transactional("fencing").await;
    let id = old.transactional_id.clone();
    target.transactional_as(&id, 60_000).await;
    assert_eq!(old.add(&topic, 0).await, PRODUCER_FENCED);
    assert_eq!(old.add_group("any").await, PRODUCER_FENCED);
    assert_eq!(old.try_end(3, true).await.error_code, PRODUCER_FENCED);
    assert_eq!(old.try_end(3, false).await.error_code, PRODUCER_FENCED);
}

async fn older_versions_hear_of_a_wrong_epoch(target: &Target) {
    let mut old = target.transactional("fencing-old").await;
    let id = old.transactional_id.clone();
    target.transactional_as(&id, 60_000).await;
    for version in [0, 1] {
        let error = old.try_end(version, true).await.error_code;
        assert_eq!(error, INVALID_PRODUCER_EPOCH, "version {version}");
    }
    assert_eq!(old.try_end(2, true).await.error_code, PRODUCER_FENCED);
}

async fn an_old_self_cannot_append(target: &Target) {
    let topic = target.topic("fencing-append").await;
    let mut old = target.transactional("fencing-append").await;
    old.append(&topic, &["a"]).await;
    let id = old.transactional_id.clone();
    let mut new = target.transactional_as(&id, 60_000).await;
    let batch = old.batch(&["late"]);
    let (error, offset) = old.produce(9, &topic, 0, &batch).await;
    assert_eq!((error, offset), (INVALID_PRODUCER_EPOCH, -1));
    new.append(&topic, &["new"]).await;
    let batch = old.batch(&["late"]);
    let (error, _) = old.produce(9, &topic, 0, &batch).await;
    assert_eq!(error, INVALID_PRODUCER_EPOCH);
    new.end(target, true, &[&topic]).await;
}

async fn a_transaction_that_takes_too_long_is_aborted(target: &Target) {
    let topic = target.topic("timeout").await;
    let id = target.unique("timeout");
    let mut slow = target.transactional_as(&id, 1_000).await;
    slow.append(&topic, &["a"]).await;
    slow.ended(target, &topic, 0).await;
    let data = target.fetch_committed(&topic, 0).await;
    assert_eq!(data.last_stable_offset, 2);
    let read = batches(&data);
    assert!(read[1].marker.is_some_and(|marker| !marker.commit));
    assert_eq!(
        read[1].producer_epoch, 1,
        "a higher epoch fences the producer"
    );
    let error = eventually("the end is complete", async || {
        let error = slow.try_end(3, true).await.error_code;
        (error != CONCURRENT_TRANSACTIONS).then_some(error)
    })
    .await;
    assert_eq!(error, PRODUCER_FENCED);
    let batch = slow.batch(&["late"]);
    let (error, _) = slow.produce(9, &topic, 0, &batch).await;
    assert_eq!(error, INVALID_PRODUCER_EPOCH);
}

async fn a_producer_that_was_too_slow_can_go_on(target: &Target) {
    let topic = target.topic("timeout-on").await;
    let id = target.unique("timeout-on");
    let mut slow = target.transactional_as(&id, 1_000).await;
    slow.append(&topic, &["a"]).await;
    slow.ended(target, &topic, 0).await;
    let request = init(&id)
        .with_producer_id(slow.id.into())
        .with_producer_epoch(slow.epoch);
    let answer = initialize(&mut slow.connection, &request).await;
    assert_eq!((answer.error_code, answer.producer_id.0), (NONE, slow.id));
    slow.epoch = answer.producer_epoch;
    slow.sequence = 0;
    slow.append(&topic, &["b"]).await;
    slow.end(target, true, &[&topic]).await;
}
