//! Offsets in transactions.

use crate::support::codes::*;
use crate::support::offsets::fetch_offsets;
use crate::support::shapes::text;
use crate::support::{Target, eventually};

cases!(
    offsets_are_committed_with_the_transaction,
    offsets_are_aborted_with_the_transaction,
    pending_offsets_are_told_to_those_who_want_stable_ones,
    every_version_commits,
    the_member_is_checked,
    a_group_that_was_not_added_is_refused,
    an_older_self_cannot_commit_offsets,
    unknown_partitions_and_long_metadata_are_refused,
);

async fn offsets_are_committed_with_the_transaction(target: &Target) {
    let topic = target.topic("txn-offsets").await;
    let group = target.group("txn-offsets").await;
    let mut producer = target.transactional("txn-offsets").await;
    target.commit(&group, &topic, 1).await;
    assert_eq!(producer.add_group(&group).await, NONE);
    assert_eq!(producer.commit_offset(3, &group, &topic, 5).await, NONE);
    assert_eq!(target.committed(&group, &topic, false).await, (1, NONE));
    assert_eq!(producer.try_end(3, true).await.error_code, NONE);
    eventually("the offset is committed", async || {
        (target.committed(&group, &topic, true).await == (5, NONE)).then_some(())
    })
    .await;
    let request = fetch_offsets(&group, Some(&[(&topic, &[0])]));
    let answer = target.call(8, request).await;
    let metadata = answer.groups[0].topics[0].partitions[0].metadata.clone();
    assert_eq!(metadata.as_deref(), Some("in a transaction"));
}

async fn offsets_are_aborted_with_the_transaction(target: &Target) {
    let topic = target.topic("txn-abort").await;
    let group = target.group("txn-abort").await;
    let mut producer = target.transactional("txn-abort").await;
    assert_eq!(producer.add_group(&group).await, NONE);
    assert_eq!(producer.commit_offset(3, &group, &topic, 5).await, NONE);
    assert_eq!(target.committed(&group, &topic, false).await, (-1, NONE));
    assert_eq!(producer.try_end(3, false).await.error_code, NONE);
    eventually("nothing is pending", async || {
        (target.committed(&group, &topic, true).await == (-1, NONE)).then_some(())
    })
    .await;
}

async fn pending_offsets_are_told_to_those_who_want_stable_ones(target: &Target) {
    let topic = target.topic("txn-pending").await;
    let group = target.group("txn-pending").await;
    let mut producer = target.transactional("txn-pending").await;
    target.commit(&group, &topic, 1).await;
    assert_eq!(producer.add_group(&group).await, NONE);
    assert_eq!(target.committed(&group, &topic, true).await, (1, NONE));
    assert_eq!(producer.commit_offset(3, &group, &topic, 5).await, NONE);
    let unstable = (-1, UNSTABLE_OFFSET_COMMIT);
    assert_eq!(target.committed(&group, &topic, true).await, unstable);
    let all = fetch_offsets(&group, None).with_require_stable(true);
    let answer = target.call(9, all).await;
    let partition = &answer.groups[0].topics[0].partitions[0];
    assert_eq!(partition.error_code, UNSTABLE_OFFSET_COMMIT);
    // A commit outside the transaction counts at once; the pending one stays.
    target.commit(&group, &topic, 2).await;
    assert_eq!(target.committed(&group, &topic, false).await, (2, NONE));
    assert_eq!(target.committed(&group, &topic, true).await, unstable);
    assert_eq!(producer.try_end(3, true).await.error_code, NONE);
    eventually("the later commit stays", async || {
        (target.committed(&group, &topic, true).await == (2, NONE)).then_some(())
    })
    .await;
}

async fn every_version_commits(target: &Target) {
    let topic = target.topic("txn-offset-versions").await;
    let group = target.group("txn-offset-versions").await;
    let mut producer = target.transactional("txn-offset-versions").await;
    assert_eq!(producer.add_group(&group).await, NONE);
    for version in 0..=4 {
        let error = producer
            .commit_offset(version, &group, &topic, i64::from(version))
            .await;
        assert_eq!(error, NONE, "version {version}");
    }
    assert_eq!(producer.try_end(3, true).await.error_code, NONE);
    eventually("the offset is committed", async || {
        (target.committed(&group, &topic, true).await == (4, NONE)).then_some(())
    })
    .await;
}

async fn the_member_is_checked(target: &Target) {
    let topic = target.topic("txn-member").await;
    let members = target.stable("txn-member", 1).await;
    let member = &members[0];
    let mut producer = target.transactional("txn-member").await;
    assert_eq!(producer.add_group(&member.group).await, NONE);
    let generation = member.generation;
    for (id, generation, error) in [
        (&*member.id, generation, NONE),
        (&*member.id, generation + 1, ILLEGAL_GENERATION),
        (&*member.id, generation - 1, ILLEGAL_GENERATION),
        ("somebody", generation, UNKNOWN_MEMBER_ID),
        ("", -1, NONE),
    ] {
        let request = producer
            .commit_request(&member.group, &topic, 3)
            .with_member_id(text(id))
            .with_generation_id(generation);
        let answer = producer.connection.call(3, request).await;
        let seen = answer.topics[0].partitions[0].error_code;
        assert_eq!(seen, error, "{id} {generation}");
    }
    let missing = target.group("txn-member-missing").await;
    assert_eq!(producer.add_group(&missing).await, NONE);
    let request = producer
        .commit_request(&missing, &topic, 3)
        .with_member_id(text("somebody"))
        .with_generation_id(4);
    let answer = producer.connection.call(3, request).await;
    let error = answer.topics[0].partitions[0].error_code;
    assert_eq!(error, ILLEGAL_GENERATION);
    producer.try_end(3, false).await;
}

async fn a_group_that_was_not_added_is_refused(target: &Target) {
    let topic = target.topic("txn-not-added").await;
    let group = target.group("txn-not-added").await;
    let mut producer = target.transactional("txn-not-added").await;
    for (version, error) in [(3, INVALID_TXN_STATE), (4, TRANSACTION_ABORTABLE)] {
        let seen = producer.commit_offset(version, &group, &topic, 5).await;
        assert_eq!(seen, error, "version {version}");
    }
    assert_eq!(target.committed(&group, &topic, true).await, (-1, NONE));
}

async fn an_older_self_cannot_commit_offsets(target: &Target) {
    let topic = target.topic("txn-fenced").await;
    let group = target.group("txn-fenced").await;
    let mut old = target.transactional("txn-fenced").await;
    assert_eq!(old.add_group(&group).await, NONE);
    let id = old.transactional_id.clone();
    let mut new = target.transactional_as(&id, 60_000).await;
    let error = old.commit_offset(3, &group, &topic, 5).await;
    assert_eq!(error, INVALID_PRODUCER_EPOCH);
    assert_eq!(new.add_group(&group).await, NONE);
    assert_eq!(new.commit_offset(3, &group, &topic, 6).await, NONE);
    assert_eq!(new.try_end(3, true).await.error_code, NONE);
    eventually("the new one's offset", async || {
        (target.committed(&group, &topic, true).await == (6, NONE)).then_some(())
    })
    .await;
}

async fn unknown_partitions_and_long_metadata_are_refused(target: &Target) {
    let topic = target.topic("txn-unknown").await;
    let group = target.group("txn-unknown").await;
    let mut producer = target.transactional("txn-unknown").await;
    assert_eq!(producer.add_group(&group).await, NONE);
    let mut request = producer.commit_request(&group, &topic, 1);
    request.topics[0].partitions[0].partition_index = 9;
    let answer = producer.connection.call(3, request).await;
    let error = answer.topics[0].partitions[0].error_code;
    assert_eq!(error, UNKNOWN_TOPIC_OR_PARTITION);
    let mut request = producer.commit_request(&group, &topic, 1);
    request.topics[0].partitions[0].committed_metadata = Some(text("x".repeat(4097)));
    let answer = producer.connection.call(3, request).await;
    let error = answer.topics[0].partitions[0].error_code;
    assert_eq!(error, OFFSET_METADATA_TOO_LARGE);
    producer.try_end(3, false).await;
}
