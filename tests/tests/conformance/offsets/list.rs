use kafka_integration_tests::raw::{Batch, Record};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{delete_records, list_offsets, listed};
use crate::support::topics::Topic;

cases!(
    the_ends_of_a_log,
    special_timestamps_need_their_versions,
    the_first_record_at_or_after_a_time_is_found,
    unordered_timestamps_are_found_in_the_order_of_the_log,
    nothing_after_a_time_is_no_error,
    the_greatest_timestamp_is_found_at_its_first_record,
    deleted_records_are_not_found,
    every_version_answers,
    unknown_partitions_have_an_error_of_their_own,
    another_leader_epoch_is_refused,
    records_of_an_open_transaction_are_not_found_by_committed_readers,
);

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

/// Timestamp, offset.
async fn found(target: &Target, topic: &Topic, timestamp: i64) -> (i64, i64) {
    let answer = target.list_offset(topic, 0, timestamp).await;
    assert_eq!(answer.error_code, NONE);
    (answer.timestamp, answer.offset)
}

async fn append_at(target: &Target, topic: &Topic, times: &[i64]) {
    let records = times
        .iter()
        .map(|time| Record::new("x").at(Record::today() + time));
    let answer = target.produce(topic, 0, &Batch::new(records)).await;
    assert_eq!(answer.error_code, NONE);
}

async fn the_ends_of_a_log(target: &Target) {
    let topic = target.topic("ends").await;
    assert_eq!(found(target, &topic, LATEST).await, (-1, 0));
    assert_eq!(found(target, &topic, EARLIEST).await, (-1, 0));
    assert_eq!(found(target, &topic, MAX_TIMESTAMP).await, (-1, -1));
    target.append(&topic, 0, ["a", "b"]).await;
    assert_eq!(found(target, &topic, LATEST).await, (-1, 2));
    assert_eq!(found(target, &topic, EARLIEST).await, (-1, 0));
    assert_eq!(found(target, &topic, EARLIEST_LOCAL).await, (-1, 0));
    assert_eq!(found(target, &topic, LATEST_TIERED).await, (-1, -1));
    let answer = target.list_offset(&topic, 0, LATEST).await;
    assert_eq!(answer.leader_epoch, 0);
}

async fn special_timestamps_need_their_versions(target: &Target) {
    let topic = target.topic("special").await;
    target.append(&topic, 0, ["a"]).await;
    for (timestamp, since) in [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9)] {
        for version in [since - 1, since] {
            let request = list_offsets(&topic, 0, timestamp);
            let answer = listed(target.call(version, request).await);
            let error = if version < since {
                UNSUPPORTED_VERSION
            } else {
                NONE
            };
            assert_eq!(answer.error_code, error, "{timestamp} in version {version}");
        }
    }
    for timestamp in [-6, -7, i64::MIN] {
        let answer = target.list_offset(&topic, 0, timestamp).await;
        let seen = (answer.error_code, answer.offset);
        assert_eq!(seen, (UNSUPPORTED_VERSION, -1), "{timestamp}");
    }
}

async fn the_first_record_at_or_after_a_time_is_found(target: &Target) {
    let topic = target.topic("by-time").await;
    let today = Record::today();
    append_at(target, &topic, &[100, 200]).await;
    append_at(target, &topic, &[200, 200, 300]).await;
    for (time, expected) in [
        (0, (100, 0)),
        (100, (100, 0)),
        (101, (200, 1)),
        (200, (200, 1)),
        (201, (300, 4)),
        (300, (300, 4)),
    ] {
        let expected = (today + expected.0, expected.1);
        let seen = found(target, &topic, today + time).await;
        assert_eq!(seen, expected, "at {time}");
    }
    let seen = found(target, &topic, 0).await;
    assert_eq!(seen, (today + 100, 0), "1970");
}

async fn unordered_timestamps_are_found_in_the_order_of_the_log(target: &Target) {
    let topic = target.topic("unordered").await;
    let today = Record::today();
    append_at(target, &topic, &[100]).await;
    append_at(target, &topic, &[500, 50]).await;
    append_at(target, &topic, &[200]).await;
    append_at(target, &topic, &[600, 300]).await;
    for (time, expected) in [
        (50, (100, 0)),
        (150, (500, 1)),
        (200, (500, 1)),
        (501, (600, 4)),
    ] {
        let expected = (today + expected.0, expected.1);
        let seen = found(target, &topic, today + time).await;
        assert_eq!(seen, expected, "at {time}");
    }
}

async fn nothing_after_a_time_is_no_error(target: &Target) {
    let topic = target.topic("too-late").await;
    append_at(target, &topic, &[100]).await;
    let answer = target.list_offset(&topic, 0, Record::today() + 101).await;
    let seen = (answer.error_code, answer.timestamp, answer.offset);
    assert_eq!(seen, (NONE, -1, -1));
    assert_eq!(answer.leader_epoch, -1);
}

async fn the_greatest_timestamp_is_found_at_its_first_record(target: &Target) {
    let topic = target.topic("greatest").await;
    let today = Record::today();
    append_at(target, &topic, &[100, 300]).await;
    append_at(target, &topic, &[300, 200]).await;
    let seen = found(target, &topic, MAX_TIMESTAMP).await;
    assert_eq!(seen, (today + 300, 1));
    append_at(target, &topic, &[10]).await;
    let seen = found(target, &topic, MAX_TIMESTAMP).await;
    assert_eq!(seen, (today + 300, 1));
}

async fn deleted_records_are_not_found(target: &Target) {
    let topic = target.topic("deleted").await;
    let today = Record::today();
    append_at(target, &topic, &[100, 200, 300]).await;
    target.call(2, delete_records(&topic, 0, 1)).await;
    assert_eq!(found(target, &topic, EARLIEST).await, (-1, 1));
    let seen = found(target, &topic, today).await;
    assert_eq!(seen, (today + 200, 1));
}

async fn every_version_answers(target: &Target) {
    let topic = target.topic("list-versions").await;
    target.append(&topic, 0, ["a"]).await;
    for version in 1..=10 {
        let answer = listed(target.call(version, list_offsets(&topic, 0, LATEST)).await);
        let seen = (answer.error_code, answer.timestamp, answer.offset);
        assert_eq!(seen, (NONE, -1, 1), "version {version}");
    }
}

async fn unknown_partitions_have_an_error_of_their_own(target: &Target) {
    let topic = target.topic("list-unknown").await;
    let missing = Topic {
        name: target.unique("missing"),
        ..topic.clone()
    };
    for (topic, partition) in [(&topic, 1), (&missing, 0)] {
        let answer = target.list_offset(topic, partition, LATEST).await;
        let seen = (answer.error_code, answer.timestamp, answer.offset);
        assert_eq!(seen, (UNKNOWN_TOPIC_OR_PARTITION, -1, -1));
    }
}

async fn another_leader_epoch_is_refused(target: &Target) {
    let topic = target.topic("list-epoch").await;
    for (epoch, error) in [(-1, NONE), (0, NONE), (1, UNKNOWN_LEADER_EPOCH)] {
        let mut request = list_offsets(&topic, 0, LATEST);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let answer = listed(target.call(9, request).await);
        assert_eq!(answer.error_code, error, "epoch {epoch}");
    }
}

async fn records_of_an_open_transaction_are_not_found_by_committed_readers(target: &Target) {
    let topic = target.topic("list-open").await;
    let mut producer = target.transactional("list-open").await;
    append_at(target, &topic, &[-100]).await;
    producer.append(&topic, &["open"]).await;
    let lookup = list_offsets(&topic, 0, Record::today() - 50);
    let answer = listed(target.call(9, lookup.clone()).await);
    assert_eq!((answer.error_code, answer.offset), (NONE, 1));
    let answer = listed(target.call(9, lookup.with_isolation_level(1)).await);
    assert_eq!((answer.error_code, answer.offset), (NONE, -1));
    producer.end(target, true, &[&topic]).await;
}
