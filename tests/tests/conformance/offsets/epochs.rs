use kafka_protocol::messages::OffsetForLeaderEpochRequest;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::EpochEndOffset;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::topics::Topic;

cases!(
    the_current_epoch_ends_at_the_end_of_the_log,
    a_newer_epoch_is_unknown,
    an_unknown_partition_has_an_error,
);

async fn ask(
    target: &Target,
    version: i16,
    topic: &Topic,
    current: i32,
    epoch: i32,
) -> EpochEndOffset {
    let partition = OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(current)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(topic.name())
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    let request = if version >= 3 {
        request.with_replica_id((-1).into())
    } else {
        request
    };
    let mut response = target.call(version, request).await;
    response.topics[0].partitions.remove(0)
}

async fn the_current_epoch_ends_at_the_end_of_the_log(target: &Target) {
    let topic = target.topic("epoch").await;
    target.append(&topic, 0, ["a", "b"]).await;
    for version in 2..=4 {
        for current in [-1, 0] {
            let answer = ask(target, version, &topic, current, 0).await;
            let seen = (answer.error_code, answer.leader_epoch, answer.end_offset);
            assert_eq!(seen, (NONE, 0, 2), "version {version}");
        }
    }
}

async fn a_newer_epoch_is_unknown(target: &Target) {
    let topic = target.topic("newer-leader").await;
    target.append(&topic, 0, ["a"]).await;
    let answer = ask(target, 4, &topic, -1, 5).await;
    let seen = (answer.error_code, answer.leader_epoch, answer.end_offset);
    assert_eq!(seen, (NONE, -1, -1));
    let answer = ask(target, 4, &topic, 5, 0).await;
    let seen = (answer.error_code, answer.leader_epoch, answer.end_offset);
    assert_eq!(seen, (UNKNOWN_LEADER_EPOCH, -1, -1));
}

async fn an_unknown_partition_has_an_error(target: &Target) {
    let topic = Topic {
        name: target.unique("missing"),
        id: uuid::Uuid::nil(),
    };
    let answer = ask(target, 4, &topic, -1, 0).await;
    let seen = (answer.error_code, answer.leader_epoch, answer.end_offset);
    assert_eq!(seen, (UNKNOWN_TOPIC_OR_PARTITION, -1, -1));
}
