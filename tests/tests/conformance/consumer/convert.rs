//! From one protocol to the other.

use crate::support::Target;
use crate::support::codes::*;
use crate::support::consumers::all;
use crate::support::groups::{Member, subscription};
use crate::support::topics::Topic;

cases!(
    an_empty_classic_group_becomes_a_consumer_group,
    an_empty_consumer_group_becomes_a_classic_one,
    a_classic_group_with_members_takes_in_a_consumer,
    a_consumer_group_with_members_takes_in_a_classic_one,
);

async fn an_empty_classic_group_becomes_a_consumer_group(target: &Target) {
    let topic = target.topic("to-consumer").await;
    let mut members = target.stable("to-consumer", 1).await;
    let group = members[0].group.clone();
    assert_eq!(members[0].commit(9, &topic, 5).await, NONE);
    assert_eq!(members[0].leave().await, NONE);
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    consumer.owns(&all(&topic, 1)).await;
    assert_eq!(target.committed(&group, &topic, true).await, (5, NONE));
}

async fn an_empty_consumer_group_becomes_a_classic_one(target: &Target) {
    let topic = target.topic("to-classic").await;
    let group = target.group("to-classic").await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    assert_eq!(consumer.leave(-1).await.error_code, NONE);
    target.commit(&group, &topic, 6).await;
    let mut member = target.member(&group).await;
    member.identify().await;
    let answer = member.join(9).await;
    assert_eq!(answer.error_code, NONE);
    let id = member.id.clone();
    assert_eq!(member.sync_all(&[&id]).await.error_code, NONE);
    assert_eq!(target.committed(&group, &topic, true).await, (6, NONE));
    assert_eq!(target.group_state(&group).await, "Stable");
}

/// What [`Member::sync`] sends as an assignment of nothing in Kafka's own form:
/// version 0, no topics, no bytes of the user's.
const NOTHING: &str = "\0\0\0\0\0\0\0\0\0\0";

async fn classic(target: &Target, group: &str, topic: &Topic) -> Member {
    let mut member = target.member(group).await;
    member.protocol_type = "consumer";
    member.protocols = vec![("range", subscription(topic))];
    member
}

/// The embedded broker doesn't mix the protocols within a group: it answers as
/// Apache Kafka does when `group.consumer.migration.policy` is `disabled`.
async fn a_classic_group_with_members_takes_in_a_consumer(target: &Target) {
    let topic = target.topic("mixed").await;
    let group = target.group("mixed").await;
    let mut member = classic(target, &group, &topic).await;
    member.identify().await;
    assert_eq!(member.join(9).await.error_code, NONE);
    let assignment = (member.id.clone(), NOTHING.to_owned());
    assert_eq!(member.sync(5, &[assignment]).await.error_code, NONE);
    let mut consumer = target.consumer(&group).await;
    let request = consumer.join_request(&[&topic]);
    let answer = consumer.send(request).await;
    if target.is_embedded() {
        assert_eq!(answer.error_code, GROUP_ID_NOT_FOUND);
        assert!(answer.error_message.is_some(), "it says why");
        assert_eq!(target.group_state(&group).await, "Stable");
        assert_eq!(member.heartbeat().await, NONE, "nobody is disturbed");
    } else {
        assert_eq!(answer.error_code, NONE, "{:?}", answer.error_message);
    }
}

/// As above: the embedded broker refuses.
async fn a_consumer_group_with_members_takes_in_a_classic_one(target: &Target) {
    let topic = target.topic("mixed-too").await;
    let group = target.group("mixed-too").await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    consumer.owns(&all(&topic, 1)).await;
    let mut member = classic(target, &group, &topic).await;
    let answer = member.join(9).await;
    if target.is_embedded() {
        assert_eq!(answer.error_code, INCONSISTENT_GROUP_PROTOCOL);
        assert_eq!(consumer.beat().await, NONE, "nobody is disturbed");
    } else {
        assert_eq!(answer.error_code, MEMBER_ID_REQUIRED);
        member.id = answer.member_id.to_string();
        assert_eq!(member.join(9).await.error_code, NONE);
    }
}
