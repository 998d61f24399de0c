//! From one protocol to the other.

use crate::support::Target;
use crate::support::codes::*;
use crate::support::consumers::all;

cases!(
    an_empty_classic_group_becomes_a_consumer_group,
    an_empty_consumer_group_becomes_a_classic_one,
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
