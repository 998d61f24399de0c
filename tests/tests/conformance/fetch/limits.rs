//! What one answer holds.

use std::collections::BTreeSet;

use kafka_integration_tests::raw::Batch;
use kafka_protocol::messages::{DeleteRecordsRequest, FetchRequest};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{batches, delete_records, fetch, fetched, values};
use crate::support::topics::Topic;

cases!(
    every_version_reads,
    the_whole_batch_with_the_offset_comes,
    the_end_of_the_log_is_empty,
    offsets_outside_the_log_are_out_of_range,
    an_offset_below_the_start_is_out_of_range,
    the_first_batch_comes_though_it_is_above_all_limits,
    the_limit_of_the_answer_holds_over_all_partitions,
    the_limit_of_a_partition_holds,
    every_partition_asked_for_is_in_a_full_answer,
    the_order_of_partitions_is_the_requests,
    unknown_topics_and_partitions_have_an_error_of_their_own,
    an_unknown_id_has_an_error_of_its_own,
    another_leader_epoch_is_refused,
);

async fn every_version_reads(target: &Target) {
    let topic = target.topic("fetch-versions").await;
    target.append(&topic, 0, ["a", "b"]).await;
    for version in 4..=17 {
        let request = fetch(version, [(&topic, 0, 0)]);
        let response = target.call(version, request).await;
        assert_eq!(response.session_id, 0);
        let data = fetched(response);
        assert_eq!(data.error_code, NONE, "version {version}");
        assert_eq!(values(&data), ["a", "b"], "version {version}");
        assert_eq!((data.high_watermark, data.last_stable_offset), (2, 2));
        assert_eq!(data.aborted_transactions, None, "uncommitted");
        if version >= 11 {
            assert_eq!(data.preferred_read_replica, -1);
        }
    }
}

async fn the_whole_batch_with_the_offset_comes(target: &Target) {
    let topic = target.topic("whole-batch").await;
    target.append(&topic, 0, ["a", "b", "c"]).await;
    target.append(&topic, 0, ["d"]).await;
    for offset in 0..3 {
        let read = batches(&target.fetch(&topic, 0, offset).await);
        assert_eq!((read.len(), read[0].base_offset), (2, 0), "from {offset}");
    }
    assert_eq!(values(&target.fetch(&topic, 0, 3).await), ["d"]);
}

async fn the_end_of_the_log_is_empty(target: &Target) {
    let topic = target.topic("end").await;
    let empty = target.fetch(&topic, 0, 0).await;
    assert_eq!((empty.error_code, empty.high_watermark), (NONE, 0));
    assert_eq!(empty.records.map(|bytes| bytes.len()), Some(0));
    target.append(&topic, 0, ["a"]).await;
    let empty = target.fetch(&topic, 0, 1).await;
    assert_eq!((empty.error_code, empty.high_watermark), (NONE, 1));
    assert_eq!(empty.records.map(|bytes| bytes.len()), Some(0));
}

async fn offsets_outside_the_log_are_out_of_range(target: &Target) {
    let topic = target.topic("out-of-range").await;
    target.append(&topic, 0, ["a"]).await;
    for offset in [2, i64::MAX, -1] {
        let data = target.fetch(&topic, 0, offset).await;
        assert_eq!(data.error_code, OFFSET_OUT_OF_RANGE, "{offset}");
        let limits = (data.high_watermark, data.last_stable_offset);
        assert_eq!(limits, (-1, -1), "{offset}");
        assert_eq!(data.log_start_offset, -1);
        assert_eq!(data.records.map_or(0, |bytes| bytes.len()), 0);
    }
}

async fn an_offset_below_the_start_is_out_of_range(target: &Target) {
    let topic = target.topic("below-start").await;
    target.append(&topic, 0, ["a", "b", "c"]).await;
    let request: DeleteRecordsRequest = delete_records(&topic, 0, 2);
    target.call(2, request).await;
    let data = target.fetch(&topic, 0, 1).await;
    assert_eq!(data.error_code, OFFSET_OUT_OF_RANGE);
    let data = target.fetch(&topic, 0, 2).await;
    assert_eq!((data.error_code, data.log_start_offset), (NONE, 2));
    let read = batches(&data).remove(0);
    assert_eq!(read.base_offset, 0, "the batch is whole");
}

async fn the_first_batch_comes_though_it_is_above_all_limits(target: &Target) {
    let topic = target.topic("above-limits").await;
    let long = "x".repeat(3000);
    target.append(&topic, 0, [&*long]).await;
    target.append(&topic, 0, [&*long]).await;
    let mut request = fetch(12, [(&topic, 0, 0)]).with_max_bytes(1);
    request.topics[0].partitions[0].partition_max_bytes = 1;
    let data = fetched(target.call(12, request).await);
    assert_eq!(values(&data), [long]);
}

async fn the_limit_of_the_answer_holds_over_all_partitions(target: &Target) {
    let topic = target.topic_with("answer-limit", 3, &[]).await;
    let long = "x".repeat(3000);
    for partition in 0..3 {
        target.append(&topic, partition, [&*long]).await;
    }
    let from = (0..3).map(|partition| (&topic, partition, 0));
    let request = fetch(12, from).with_max_bytes(2000);
    let response = target.call(12, request).await;
    let sizes = response.responses.iter().flat_map(|topic| {
        let sizes = topic.partitions.iter();
        sizes.map(|data| data.records.as_ref().map_or(0, bytes::Bytes::len))
    });
    let sizes: Vec<_> = sizes.collect();
    assert_eq!(
        sizes.iter().filter(|size| **size > 0).count(),
        1,
        "{sizes:?}"
    );
    assert!(sizes[0] > 3000, "the first one asked for: {sizes:?}");
}

async fn the_limit_of_a_partition_holds(target: &Target) {
    let topic = target.topic("partition-limit").await;
    let size = Batch::of(["a"]).encode().len() as i32;
    for _ in 0..10 {
        target.append(&topic, 0, ["a"]).await;
    }
    for (limit, whole) in [(size, 1), (size * 2 - 1, 1), (size * 3, 3)] {
        let mut request = fetch(12, [(&topic, 0, 0)]);
        request.topics[0].partitions[0].partition_max_bytes = limit;
        let data = fetched(target.call(12, request).await);
        assert_eq!(batches(&data).len(), whole, "limit {limit}");
    }
}

async fn every_partition_asked_for_is_in_a_full_answer(target: &Target) {
    let topic = target.topic_with("full-answer", 3, &[]).await;
    target.append(&topic, 1, ["a"]).await;
    let from = (0..3).map(|partition| (&topic, partition, 0));
    let response = target.call(12, fetch(12, from)).await;
    let seen = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    let seen: BTreeSet<_> = seen.map(|data| data.partition_index).collect();
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
}

async fn the_order_of_partitions_is_the_requests(target: &Target) {
    let one = target.topic_with("order-1", 2, &[]).await;
    let two = target.topic_with("order-2", 2, &[]).await;
    let from = [(&two, 1, 0), (&one, 0, 0), (&two, 0, 0), (&one, 1, 0)];
    let response = target.call(12, fetch(12, from)).await;
    let seen = response.responses.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|data| (topic.topic.to_string(), data.partition_index))
    });
    let expected = from.map(|(topic, partition, _)| (topic.name.clone(), partition));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

async fn unknown_topics_and_partitions_have_an_error_of_their_own(target: &Target) {
    let topic = target.topic("fetch-unknown").await;
    target.append(&topic, 0, ["a"]).await;
    let missing = Topic {
        name: target.unique("missing"),
        ..topic.clone()
    };
    let from = [(&missing, 0, 0), (&topic, 5, 0), (&topic, 0, 0)];
    let response = target.call(12, fetch(12, from)).await;
    assert_eq!(response.error_code, NONE);
    let mut errors = Vec::new();
    for topic in &response.responses {
        for data in &topic.partitions {
            errors.push((data.error_code, data.high_watermark));
        }
    }
    errors.sort_unstable();
    let unknown = (UNKNOWN_TOPIC_OR_PARTITION, -1);
    assert_eq!(errors, [(NONE, 1), unknown, unknown]);
}

async fn an_unknown_id_has_an_error_of_its_own(target: &Target) {
    let topic = target.topic("fetch-unknown-id").await;
    target.append(&topic, 0, ["a"]).await;
    let missing = Topic {
        id: uuid::Uuid::from_u128(9),
        ..topic.clone()
    };
    let request: FetchRequest = fetch(13, [(&missing, 0, 0), (&topic, 0, 0)]);
    let response = target.call(13, request).await;
    assert_eq!(response.error_code, NONE);
    for answer in &response.responses {
        let known = answer.topic_id == topic.id;
        let error = if known { NONE } else { UNKNOWN_TOPIC_ID };
        assert_eq!(answer.partitions[0].error_code, error);
    }
    assert_eq!(response.responses.len(), 2);
}

async fn another_leader_epoch_is_refused(target: &Target) {
    let topic = target.topic("leader-epoch").await;
    target.append(&topic, 0, ["a"]).await;
    for (epoch, error) in [(0, NONE), (1, UNKNOWN_LEADER_EPOCH), (-1, NONE)] {
        let mut request = fetch(12, [(&topic, 0, 0)]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let data = fetched(target.call(12, request).await);
        assert_eq!(data.error_code, error, "epoch {epoch}");
    }
}
