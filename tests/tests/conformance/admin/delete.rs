use kafka_protocol::messages::DeleteTopicsRequest;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use uuid::Uuid;

use crate::support::codes::*;
use crate::support::shapes::topic_name;
use crate::support::{Target, eventually};

cases!(
    every_version_deletes,
    a_topic_may_be_deleted_by_its_id,
    what_is_missing_cannot_be_deleted,
    name_and_id_together_are_refused,
    a_topic_made_again_is_new,
);

fn delete(states: impl IntoIterator<Item = DeleteTopicState>) -> DeleteTopicsRequest {
    DeleteTopicsRequest::default()
        .with_topics(states.into_iter().collect())
        .with_timeout_ms(20_000)
}

async fn every_version_deletes(target: &Target) {
    for version in 1..=6 {
        let topic = target.topic("delete-versions").await;
        let request = if version >= 6 {
            delete([DeleteTopicState::default().with_name(Some(topic.name()))])
        } else {
            DeleteTopicsRequest::default()
                .with_topic_names(vec![topic.name()])
                .with_timeout_ms(20_000)
        };
        let response = target.call(version, request).await;
        let result = &response.responses[0];
        assert_eq!(result.error_code, NONE, "version {version}");
        assert_eq!(result.name, Some(topic.name()));
        if version >= 6 {
            assert_eq!(result.topic_id, topic.id);
        }
        eventually("the topic is gone", async || {
            let told = target.metadata(&topic.name).await;
            (told.error_code == UNKNOWN_TOPIC_OR_PARTITION).then_some(())
        })
        .await;
    }
}

async fn a_topic_may_be_deleted_by_its_id(target: &Target) {
    let topic = target.topic("delete-by-id").await;
    let state = DeleteTopicState::default()
        .with_name(None)
        .with_topic_id(topic.id);
    let response = target.call(6, delete([state.clone()])).await;
    let result = &response.responses[0];
    assert_eq!((result.error_code, result.topic_id), (NONE, topic.id));
    assert_eq!(result.name, Some(topic.name()));
    let response = target.call(6, delete([state])).await;
    let result = &response.responses[0];
    assert_eq!(
        (result.error_code, result.name.clone()),
        (UNKNOWN_TOPIC_ID, None)
    );
}

async fn what_is_missing_cannot_be_deleted(target: &Target) {
    let name = topic_name(target.unique("missing"));
    let state = DeleteTopicState::default().with_name(Some(name.clone()));
    let response = target.call(6, delete([state])).await;
    let result = &response.responses[0];
    assert_eq!(result.error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(
        (result.name.clone(), result.topic_id),
        (Some(name), Uuid::nil())
    );
}

async fn name_and_id_together_are_refused(target: &Target) {
    let topic = target.topic("delete-both-ways").await;
    let state = DeleteTopicState::default()
        .with_name(Some(topic.name()))
        .with_topic_id(topic.id);
    let response = target.call(6, delete([state])).await;
    assert_eq!(response.responses[0].error_code, INVALID_REQUEST);
    assert_eq!(target.metadata(&topic.name).await.error_code, NONE);
}

async fn a_topic_made_again_is_new(target: &Target) {
    let topic = target.topic("made-again").await;
    target.append(&topic, 0, ["old"]).await;
    target.delete(&topic).await;
    let again = target.create(&topic.name, 1, &[]).await;
    assert_ne!(again.id, topic.id);
    let data = target.fetch(&again, 0, 0).await;
    assert_eq!((data.error_code, data.high_watermark), (NONE, 0));
    assert_eq!(target.append(&again, 0, ["new"]).await, 0);
}
