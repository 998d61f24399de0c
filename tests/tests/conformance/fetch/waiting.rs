//! An answer that waits for records.

use std::time::{Duration, Instant};

use kafka_integration_tests::raw::Batch;
use kafka_protocol::messages::{ApiVersionsRequest, DeleteTopicsRequest, FetchRequest};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{fetch, fetched, values};
use crate::support::topics::Topic;

cases!(
    an_append_wakes_a_waiting_fetch,
    too_few_bytes_wake_nobody,
    an_answer_comes_at_the_latest_after_max_wait,
    no_bytes_asked_for_is_no_wait,
    an_error_does_not_wait,
    deleting_the_topic_wakes_a_waiting_fetch,
    a_waiting_fetch_holds_back_only_its_connection,
    any_partition_wakes,
);

/// Long enough that a test which waits for it has failed.
const LONG: i32 = 15_000;
const SHORT: Duration = Duration::from_secs(5);

fn waiting(topic: &Topic, partitions: i32, offset: i64) -> FetchRequest {
    let from = (0..partitions).map(|partition| (topic, partition, offset));
    fetch(12, from).with_max_wait_ms(LONG)
}

async fn an_append_wakes_a_waiting_fetch(target: &Target) {
    let topic = target.topic("wake").await;
    let mut connection = target.connect().await;
    let ticket = connection.send(12, waiting(&topic, 1, 0)).await;
    assert!(connection.silent_for(Duration::from_millis(200)).await);
    let began = Instant::now();
    target.append(&topic, 0, ["a"]).await;
    let data = fetched(connection.answer(ticket).await);
    assert!(began.elapsed() < SHORT);
    assert_eq!((values(&data), data.high_watermark), (vec!["a".into()], 1));
}

async fn too_few_bytes_wake_nobody(target: &Target) {
    let topic = target.topic("min-bytes").await;
    let size = Batch::of(["a"]).encode().len() as i32;
    let mut connection = target.connect().await;
    let request = waiting(&topic, 1, 0).with_min_bytes(size * 3);
    let ticket = connection.send(12, request).await;
    target.append(&topic, 0, ["a"]).await;
    target.append(&topic, 0, ["b"]).await;
    assert!(connection.silent_for(Duration::from_millis(200)).await);
    target.append(&topic, 0, ["c"]).await;
    let began = Instant::now();
    let data = fetched(connection.answer(ticket).await);
    assert!(began.elapsed() < SHORT);
    assert_eq!(values(&data), ["a", "b", "c"]);
}

async fn an_answer_comes_at_the_latest_after_max_wait(target: &Target) {
    let topic = target.topic("max-wait").await;
    target.append(&topic, 0, ["a"]).await;
    let request = fetch(12, [(&topic, 0, 0)]).with_min_bytes(1 << 20);
    let began = Instant::now();
    let data = fetched(target.call(12, request.with_max_wait_ms(300)).await);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(290), "{waited:?}");
    assert!(waited < SHORT, "{waited:?}");
    assert_eq!(values(&data), ["a"], "what there is");
}

async fn no_bytes_asked_for_is_no_wait(target: &Target) {
    let topic = target.topic("no-wait").await;
    let began = Instant::now();
    let request = waiting(&topic, 1, 0).with_min_bytes(0);
    fetched(target.call(12, request).await);
    assert!(began.elapsed() < SHORT);
}

async fn an_error_does_not_wait(target: &Target) {
    let topic = target.topic_with("error-no-wait", 2, &[]).await;
    let mut request = waiting(&topic, 2, 0);
    request.topics[1].partitions[0].fetch_offset = 7;
    let began = Instant::now();
    let response = target.call(12, request).await;
    assert!(began.elapsed() < SHORT);
    let answers = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    let errors: Vec<_> = answers.map(|data| data.error_code).collect();
    assert_eq!(errors, [NONE, OFFSET_OUT_OF_RANGE]);
}

async fn deleting_the_topic_wakes_a_waiting_fetch(target: &Target) {
    let topic = target.topic("delete-wake").await;
    let mut connection = target.connect().await;
    let ticket = connection.send(12, waiting(&topic, 1, 0)).await;
    assert!(connection.silent_for(Duration::from_millis(100)).await);
    let began = Instant::now();
    let delete = DeleteTopicsRequest::default()
        .with_topic_names(vec![topic.name()])
        .with_timeout_ms(20_000);
    target.call(5, delete).await;
    let data = fetched(connection.answer(ticket).await);
    assert!(began.elapsed() < SHORT, "{:?}", began.elapsed());
    let errors = [UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER];
    assert!(errors.contains(&data.error_code), "{}", data.error_code);
}

async fn a_waiting_fetch_holds_back_only_its_connection(target: &Target) {
    let topic = target.topic("parked").await;
    let mut connection = target.connect().await;
    let parked = connection.send(12, waiting(&topic, 1, 0)).await;
    let behind = connection.send(3, ApiVersionsRequest::default()).await;
    target.call(3, ApiVersionsRequest::default()).await;
    assert!(connection.silent_for(Duration::from_millis(200)).await);
    target.append(&topic, 0, ["a"]).await;
    fetched(connection.answer(parked).await);
    connection.answer(behind).await;
}

async fn any_partition_wakes(target: &Target) {
    let topic = target.topic_with("any-partition", 3, &[]).await;
    let mut connection = target.connect().await;
    let ticket = connection.send(12, waiting(&topic, 3, 0)).await;
    assert!(connection.silent_for(Duration::from_millis(50)).await);
    let began = Instant::now();
    target.append(&topic, 2, ["a"]).await;
    let response = connection.answer(ticket).await;
    assert!(began.elapsed() < SHORT);
    let all = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    assert_eq!(all.count(), 3);
}
