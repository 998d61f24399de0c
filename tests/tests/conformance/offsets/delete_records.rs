use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{batches, delete_records};
use crate::support::topics::Topic;

cases!(
    minus_one_is_the_end,
    nothing_is_deleted_above_the_end,
    a_cut_inside_a_batch_moves_the_start,
    the_start_never_moves_back,
    compacted_topics_are_refused,
    unknown_partitions_are_refused,
    every_version_deletes,
    numbers_go_on_after_everything_is_deleted,
);

/// Error, low watermark.
async fn delete(target: &Target, topic: &Topic, offset: i64) -> (i16, i64) {
    let response = target.call(2, delete_records(topic, 0, offset)).await;
    let answer = &response.topics[0].partitions[0];
    (answer.error_code, answer.low_watermark)
}

async fn minus_one_is_the_end(target: &Target) {
    let topic = target.topic("delete-all").await;
    assert_eq!(delete(target, &topic, -1).await, (NONE, 0));
    target.append(&topic, 0, ["a", "b"]).await;
    assert_eq!(delete(target, &topic, -1).await, (NONE, 2));
    assert_eq!(target.list_offset(&topic, 0, -2).await.offset, 2);
    let data = target.fetch(&topic, 0, 0).await;
    assert_eq!(data.error_code, OFFSET_OUT_OF_RANGE);
}

async fn nothing_is_deleted_above_the_end(target: &Target) {
    let topic = target.topic("delete-above").await;
    target.append(&topic, 0, ["a"]).await;
    let refused = (OFFSET_OUT_OF_RANGE, -1);
    assert_eq!(delete(target, &topic, 2).await, refused);
    assert_eq!(delete(target, &topic, -2).await, refused);
    assert_eq!(delete(target, &topic, 1).await, (NONE, 1));
}

async fn a_cut_inside_a_batch_moves_the_start(target: &Target) {
    let topic = target.topic("delete-inside").await;
    target.append(&topic, 0, ["a", "b", "c"]).await;
    assert_eq!(delete(target, &topic, 1).await, (NONE, 1));
    assert_eq!(target.list_offset(&topic, 0, -2).await.offset, 1);
    let data = target.fetch(&topic, 0, 1).await;
    assert_eq!((data.error_code, data.log_start_offset), (NONE, 1));
    assert_eq!(batches(&data)[0].values(), ["a", "b", "c"]);
    assert_eq!(target.append(&topic, 0, ["d"]).await, 3);
}

async fn the_start_never_moves_back(target: &Target) {
    let topic = target.topic("delete-back").await;
    target.append(&topic, 0, ["a", "b", "c"]).await;
    assert_eq!(delete(target, &topic, 2).await, (NONE, 2));
    assert_eq!(delete(target, &topic, 1).await, (NONE, 2));
    assert_eq!(delete(target, &topic, 0).await, (NONE, 2));
}

async fn compacted_topics_are_refused(target: &Target) {
    let configs = [("cleanup.policy", "compact")];
    let topic = target.topic_with("delete-compacted", 1, &configs).await;
    assert_eq!(delete(target, &topic, 0).await, (POLICY_VIOLATION, -1));
    let configs = [("cleanup.policy", "compact,delete")];
    let topic = target.topic_with("delete-both", 1, &configs).await;
    assert_eq!(delete(target, &topic, 0).await, (NONE, 0));
}

async fn unknown_partitions_are_refused(target: &Target) {
    let topic = target.topic("delete-unknown").await;
    let missing = Topic {
        name: target.unique("missing"),
        ..topic.clone()
    };
    let refused = (UNKNOWN_TOPIC_OR_PARTITION, -1);
    assert_eq!(delete(target, &missing, 0).await, refused);
    let response = target.call(2, delete_records(&topic, 3, 0)).await;
    let answer = &response.topics[0].partitions[0];
    assert_eq!((answer.error_code, answer.low_watermark), refused);
}

async fn every_version_deletes(target: &Target) {
    let topic = target.topic("delete-versions").await;
    target.append(&topic, 0, ["a", "b", "c"]).await;
    for version in 0..=2 {
        let offset = i64::from(version) + 1;
        let response = target
            .call(version, delete_records(&topic, 0, offset))
            .await;
        let answer = &response.topics[0].partitions[0];
        assert_eq!((answer.error_code, answer.low_watermark), (NONE, offset));
    }
}

async fn numbers_go_on_after_everything_is_deleted(target: &Target) {
    let topic = target.topic("delete-go-on").await;
    target.append(&topic, 0, ["a", "b"]).await;
    assert_eq!(delete(target, &topic, -1).await, (NONE, 2));
    assert_eq!(target.append(&topic, 0, ["c"]).await, 2);
    let data = target.fetch(&topic, 0, 2).await;
    assert_eq!(batches(&data)[0].base_offset, 2);
}
