//! Who owns what.

use std::collections::BTreeMap;

use crate::support::consumers::{Consumer, Owned, all};
use crate::support::shapes::text;
use crate::support::{Target, codes::*, eventually};

cases!(
    a_partition_is_handed_over_only_when_it_is_given_back,
    partitions_are_shared_evenly,
    the_range_assignor_gives_neighbours,
    the_partitions_of_a_silent_member_go_to_the_others,
    what_is_not_given_back_in_time_is_taken,
);

/// Lets all go on until they own everything, each its share; nothing is ever
/// owned by two.
async fn share(consumers: &mut [Consumer], everything: &Owned) {
    eventually("a share for everyone", async || {
        for index in 0..consumers.len() {
            consumers[index].settle().await;
            let mut owners: BTreeMap<_, usize> = BTreeMap::new();
            for consumer in consumers.iter() {
                for partition in &consumer.owned {
                    *owners.entry(*partition).or_default() += 1;
                }
            }
            assert!(owners.values().all(|owners| *owners == 1), "{owners:?}");
        }
        let owned = consumers.iter().flat_map(|consumer| &consumer.owned);
        let owned: Owned = owned.copied().collect();
        let epochs = consumers.iter().map(|consumer| consumer.epoch);
        let same = epochs.clone().min() == epochs.clone().max();
        (same && owned == *everything).then_some(())
    })
    .await;
}

async fn a_partition_is_handed_over_only_when_it_is_given_back(target: &Target) {
    let topic = target.topic_with("hand-over", 4, &[]).await;
    let group = target.group("hand-over").await;
    let mut one = target.consumer(&group).await;
    one.join(&[&topic]).await;
    one.owns(&all(&topic, 4)).await;
    let before = one.epoch;
    let mut two = target.consumer(&group).await;
    two.join(&[&topic]).await;
    assert_eq!(two.epoch, before + 1, "it is at the new epoch");
    assert!(two.assigned.is_empty(), "and waits");
    // The first hears what to give back and stays at its epoch meanwhile.
    eventually("the first has to give back", async || {
        assert_eq!(one.beat().await, NONE);
        (one.assigned.len() == 2).then_some(())
    })
    .await;
    assert_eq!(one.epoch, before);
    for _ in 0..3 {
        assert_eq!(two.beat().await, NONE);
        assert!(two.assigned.is_empty());
        assert_eq!(one.beat().await, NONE);
        assert_eq!(one.epoch, before);
    }
    // The same, while it still reports all of them.
    let request = one.request().with_topic_partitions(Some(one.report()));
    assert_eq!(one.send(request).await.error_code, NONE);
    assert_eq!(one.epoch, before);
    assert_eq!(two.beat().await, NONE);
    assert!(two.assigned.is_empty());
    let mut both = [one, two];
    share(&mut both, &all(&topic, 4)).await;
    assert!(both.iter().all(|consumer| consumer.owned.len() == 2));
    assert_eq!(both[0].epoch, before + 1);
}

async fn partitions_are_shared_evenly(target: &Target) {
    let one = target.topic_with("evenly-1", 3, &[]).await;
    let two = target.topic_with("evenly-2", 4, &[]).await;
    let group = target.group("evenly").await;
    let mut consumers = Vec::new();
    for count in 1..=3 {
        let mut consumer = target.consumer(&group).await;
        consumer.join(&[&one, &two]).await;
        consumers.push(consumer);
        let everything: Owned = all(&one, 3).union(&all(&two, 4)).copied().collect();
        share(&mut consumers, &everything).await;
        let counts: Vec<_> = consumers.iter().map(|c| c.owned.len()).collect();
        let least = counts.iter().min().copied().unwrap_or_default();
        let most = counts.iter().max().copied().unwrap_or_default();
        assert!(most - least <= 1, "{count} members: {counts:?}");
    }
    let mut last = consumers.pop().expect("three");
    assert_eq!(last.leave(-1).await.error_code, NONE);
    let everything: Owned = all(&one, 3).union(&all(&two, 4)).copied().collect();
    share(&mut consumers, &everything).await;
}

async fn the_range_assignor_gives_neighbours(target: &Target) {
    let topic = target.topic_with("range", 4, &[]).await;
    let group = target.group("range").await;
    let mut consumers = Vec::new();
    for _ in 0..2 {
        let mut consumer = target.consumer(&group).await;
        let request = consumer
            .join_request(&[&topic])
            .with_server_assignor(Some(text("range")));
        assert_eq!(consumer.send(request).await.error_code, NONE);
        consumers.push(consumer);
        share(&mut consumers, &all(&topic, 4)).await;
    }
    let mut shares: Vec<Vec<_>> = consumers
        .iter()
        .map(|consumer| consumer.owned.iter().map(|owned| owned.1).collect())
        .collect();
    shares.sort();
    assert_eq!(shares, [[0, 1], [2, 3]]);
    let described = target.describe_consumers(1, &group).await;
    assert_eq!(&*described.assignor_name, "range");
}

async fn the_partitions_of_a_silent_member_go_to_the_others(target: &Target) {
    let topic = target.topic_with("silent-consumer", 2, &[]).await;
    let group = target.group("silent-consumer").await;
    let mut consumers = Vec::new();
    for _ in 0..2 {
        let mut consumer = target.consumer(&group).await;
        consumer.join(&[&topic]).await;
        consumers.push(consumer);
        share(&mut consumers, &all(&topic, 2)).await;
    }
    let mut silent = consumers.pop().expect("two");
    // The session is 6 s in the test service.
    consumers[0].owns(&all(&topic, 2)).await;
    assert_eq!(silent.beat().await, UNKNOWN_MEMBER_ID);
}

async fn what_is_not_given_back_in_time_is_taken(target: &Target) {
    let topic = target.topic_with("not-given-back", 2, &[]).await;
    let group = target.group("not-given-back").await;
    let mut stubborn = target.consumer(&group).await;
    let request = stubborn
        .join_request(&[&topic])
        .with_rebalance_timeout_ms(1_000);
    assert_eq!(stubborn.send(request).await.error_code, NONE);
    stubborn.owns(&all(&topic, 2)).await;
    let mut other = target.consumer(&group).await;
    other.join(&[&topic]).await;
    eventually("it is fenced", async || {
        assert_eq!(other.beat().await, NONE);
        let error = stubborn.beat().await;
        assert!([NONE, UNKNOWN_MEMBER_ID].contains(&error), "{error}");
        (error == UNKNOWN_MEMBER_ID).then_some(())
    })
    .await;
    other.owns(&all(&topic, 2)).await;
}
