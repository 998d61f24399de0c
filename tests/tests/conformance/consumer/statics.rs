//! Static members.

use crate::support::Target;
use crate::support::codes::*;
use crate::support::consumers::all;

cases!(
    a_static_member_that_comes_back_has_its_partitions,
    an_instance_in_use_is_not_released,
    an_instance_fences_its_old_self,
    a_static_member_leaves_for_good,
);

async fn a_static_member_that_comes_back_has_its_partitions(target: &Target) {
    let topic = target.topic_with("static-back", 2, &[]).await;
    let group = target.group("static-back").await;
    let mut old = target.consumer(&group).await.instance("one");
    old.join(&[&topic]).await;
    old.owns(&all(&topic, 2)).await;
    let mut other = target.consumer(&group).await;
    let answer = old.leave(-2).await;
    assert_eq!((answer.error_code, answer.member_epoch), (NONE, -2));
    other.join(&[&topic]).await;
    assert!(other.assigned.is_empty(), "they are kept for the instance");
    let mut new = target.consumer(&group).await.instance("one");
    new.join(&[&topic]).await;
    assert_eq!(new.assigned.len(), 1, "a share, at once");
    assert_eq!(target.describe_consumers(1, &group).await.members.len(), 2);
}

async fn an_instance_in_use_is_not_released(target: &Target) {
    let topic = target.topic("static-use").await;
    let group = target.group("static-use").await;
    let mut one = target.consumer(&group).await.instance("one");
    one.join(&[&topic]).await;
    let mut two = target.consumer(&group).await.instance("one");
    let answer = two.send(two.join_request(&[&topic])).await;
    assert_eq!(answer.error_code, UNRELEASED_INSTANCE_ID);
    assert_eq!(one.beat().await, NONE);
}

async fn an_instance_fences_its_old_self(target: &Target) {
    let topic = target.topic("static-fence").await;
    let group = target.group("static-fence").await;
    let mut old = target.consumer(&group).await.instance("one");
    old.join(&[&topic]).await;
    assert_eq!(old.leave(-2).await.error_code, NONE);
    let mut new = target.consumer(&group).await.instance("one");
    new.join(&[&topic]).await;
    assert_eq!(old.beat().await, FENCED_INSTANCE_ID);
    old.instance = Some("two".to_owned());
    assert_eq!(old.beat().await, UNKNOWN_MEMBER_ID);
    assert_eq!(new.beat().await, NONE);
}

async fn a_static_member_leaves_for_good(target: &Target) {
    let topic = target.topic("static-gone").await;
    let group = target.group("static-gone").await;
    let mut one = target.consumer(&group).await.instance("one");
    one.join(&[&topic]).await;
    let mut two = target.consumer(&group).await;
    two.join(&[&topic]).await;
    let answer = one.leave(-1).await;
    assert_eq!((answer.error_code, answer.member_epoch), (NONE, -1));
    two.owns(&all(&topic, 1)).await;
}
