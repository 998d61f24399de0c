use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;

use crate::support::consumers::{Consumer, all};
use crate::support::shapes::{text, topic_name};
use crate::support::{Target, codes::*, eventually};

cases!(
    the_first_member_is_assigned_everything,
    in_version_0_the_broker_gives_the_id,
    bad_requests_are_refused,
    a_group_is_described,
    what_is_no_consumer_group_is_not_described,
    a_member_leaves,
    a_topic_that_appears_is_assigned,
    a_topic_that_grows_is_assigned,
    topics_are_found_by_a_pattern,
    a_bad_pattern_is_refused,
    a_changed_subscription_changes_the_assignment,
);

async fn the_first_member_is_assigned_everything(target: &Target) {
    let topic = target.topic_with("consumer-first", 3, &[]).await;
    let group = target.group("consumer-first").await;
    let mut consumer = target.consumer(&group).await;
    let answer = consumer.send(consumer.join_request(&[&topic])).await;
    assert_eq!(answer.error_code, NONE);
    assert_eq!(answer.member_id.as_deref(), Some(&*consumer.id));
    assert!(answer.member_epoch > 0);
    assert!(answer.heartbeat_interval_ms > 0);
    assert_eq!(consumer.assigned, all(&topic, 3));
    // Nothing new, nothing told.
    let answer = consumer.send(consumer.request()).await;
    assert_eq!((answer.error_code, answer.assignment), (NONE, None));
    assert_eq!(answer.member_epoch, consumer.epoch);
    // A full request has a full answer.
    consumer.owned.clone_from(&consumer.assigned);
    let full = consumer
        .join_request(&[&topic])
        .with_member_epoch(consumer.epoch)
        .with_topic_partitions(Some(consumer.report()));
    let answer = consumer.send(full).await;
    assert_eq!(answer.error_code, NONE);
    assert!(answer.assignment.is_some());
}

async fn in_version_0_the_broker_gives_the_id(target: &Target) {
    let topic = target.topic("consumer-v0").await;
    let group = target.group("consumer-v0").await;
    let mut consumer = target.consumer(&group).await;
    let request = consumer.join_request(&[&topic]).with_member_id(text(""));
    let answer = consumer.connection.call(0, request.clone()).await;
    assert_eq!(answer.error_code, NONE);
    assert!(answer.member_id.is_some_and(|id| !id.is_empty()));
    let answer = consumer.connection.call(1, request).await;
    assert_eq!(
        answer.error_code, INVALID_REQUEST,
        "the client's own from 1 on"
    );
}

async fn bad_requests_are_refused(target: &Target) {
    let topic = target.topic("consumer-bad").await;
    let group = target.group("consumer-bad").await;
    let mut consumer = target.consumer(&group).await;
    let good = consumer.join_request(&[&topic]);
    let with = |change: fn(&mut ConsumerGroupHeartbeatRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for (what, request, error) in [
        ("group", with(|r| r.group_id.0 = text("")), INVALID_REQUEST),
        (
            "group of blanks",
            with(|r| r.group_id.0 = text(" ")),
            INVALID_REQUEST,
        ),
        ("member", with(|r| r.member_id = text("")), INVALID_REQUEST),
        (
            "instance",
            with(|r| r.instance_id = Some(text(""))),
            INVALID_REQUEST,
        ),
        (
            "rack",
            with(|r| r.rack_id = Some(text(""))),
            INVALID_REQUEST,
        ),
        (
            "no timeout",
            with(|r| r.rebalance_timeout_ms = -1),
            INVALID_REQUEST,
        ),
        (
            "partitions null",
            with(|r| r.topic_partitions = None),
            INVALID_REQUEST,
        ),
        (
            "nothing subscribed",
            with(|r| r.subscribed_topic_names = None),
            INVALID_REQUEST,
        ),
        ("epoch -3", with(|r| r.member_epoch = -3), INVALID_REQUEST),
        ("epoch -2", with(|r| r.member_epoch = -2), INVALID_REQUEST),
        (
            "assignor",
            with(|r| r.server_assignor = Some(text("nonsense"))),
            UNSUPPORTED_ASSIGNOR,
        ),
        (
            "assignor empty",
            with(|r| r.server_assignor = Some(text(""))),
            UNSUPPORTED_ASSIGNOR,
        ),
    ] {
        let answer = consumer.connection.call(1, request).await;
        assert_eq!(answer.error_code, error, "{what}");
        assert!(answer.error_message.is_some(), "{what}");
    }
    let owning = with(|_| ()).with_topic_partitions(Some({
        consumer.owned = all(&topic, 1);
        consumer.report()
    }));
    let answer = consumer.connection.call(1, owning).await;
    assert_eq!(answer.error_code, INVALID_REQUEST, "owning at the start");
}

async fn a_group_is_described(target: &Target) {
    let topic = target.topic_with("consumer-described", 2, &[]).await;
    let group = target.group("consumer-described").await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    consumer.owns(&all(&topic, 2)).await;
    for version in 0..=1 {
        let described = target.describe_consumers(version, &group).await;
        assert_eq!(
            (described.error_code, &*described.group_state),
            (NONE, "Stable")
        );
        assert_eq!(&*described.assignor_name, "uniform");
        assert_eq!(described.group_epoch, consumer.epoch);
        assert_eq!(described.assignment_epoch, consumer.epoch);
        let member = &described.members[0];
        assert_eq!(&*member.member_id, consumer.id);
        assert_eq!(member.member_epoch, consumer.epoch);
        assert_eq!(&*member.client_id, "raw");
        assert_eq!(member.subscribed_topic_names, [topic.name()]);
        for assignment in [&member.assignment, &member.target_assignment] {
            let told = &assignment.topic_partitions[0];
            assert_eq!(
                (told.topic_id, told.topic_name.clone()),
                (topic.id, topic.name())
            );
            let mut partitions = told.partitions.clone();
            partitions.sort_unstable();
            assert_eq!(partitions, [0, 1]);
        }
        if version == 1 {
            assert_eq!(member.member_type, 1, "of the consumer protocol");
        }
    }
    let classic = target.describe_group(5, &group).await;
    assert_eq!((classic.error_code, &*classic.group_state), (NONE, "Dead"));
    let request = kafka_protocol::messages::ListGroupsRequest::default()
        .with_types_filter(vec![text("consumer")]);
    let listed = target.call(5, request).await.groups;
    let listed = listed.iter().find(|listed| **listed.group_id == *group);
    let listed = listed.expect("the group is listed");
    assert_eq!(
        (&*listed.group_state, &*listed.protocol_type),
        ("Stable", "consumer")
    );
    assert_eq!(&*listed.group_type, "consumer");
}

async fn what_is_no_consumer_group_is_not_described(target: &Target) {
    let group = target.group("consumer-missing").await;
    let described = target.describe_consumers(1, &group).await;
    assert_eq!(described.error_code, GROUP_ID_NOT_FOUND);
    assert!(described.error_message.is_some());
    let members = target.stable("consumer-classic", 1).await;
    let described = target.describe_consumers(1, &members[0].group).await;
    assert_eq!(described.error_code, GROUP_ID_NOT_FOUND);
}

async fn a_member_leaves(target: &Target) {
    let topic = target.topic("consumer-leaves").await;
    let group = target.group("consumer-leaves").await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    let answer = consumer.leave(-1).await;
    assert_eq!((answer.error_code, answer.member_epoch), (NONE, -1));
    assert_eq!(answer.member_id.as_deref(), Some(&*consumer.id));
    assert_eq!(consumer.beat().await, UNKNOWN_MEMBER_ID);
    assert_eq!(consumer.leave(-1).await.error_code, UNKNOWN_MEMBER_ID);
    let described = target.describe_consumers(1, &group).await;
    assert_eq!(
        (described.error_code, &*described.group_state),
        (NONE, "Empty")
    );
}

/// A member of this name that is not one.
async fn waits_for_topic(consumer: &mut Consumer, name: &str) {
    let request = consumer
        .join_request(&[])
        .with_subscribed_topic_names(Some(vec![topic_name(name)]));
    assert_eq!(consumer.send(request).await.error_code, NONE);
    assert!(consumer.assigned.is_empty());
}

async fn a_topic_that_appears_is_assigned(target: &Target) {
    let name = target.unique("consumer-appears");
    let group = target.group("consumer-appears").await;
    let mut consumer = target.consumer(&group).await;
    waits_for_topic(&mut consumer, &name).await;
    let topic = target.create(&name, 2, &[]).await;
    consumer.owns(&all(&topic, 2)).await;
}

async fn a_topic_that_grows_is_assigned(target: &Target) {
    use kafka_protocol::messages::CreatePartitionsRequest;
    use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;

    let topic = target.topic("consumer-grows").await;
    let group = target.group("consumer-grows").await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&topic]).await;
    consumer.owns(&all(&topic, 1)).await;
    let more = CreatePartitionsTopic::default()
        .with_name(topic.name())
        .with_count(3)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![more])
        .with_timeout_ms(20_000);
    target.call(3, request).await;
    consumer.owns(&all(&topic, 3)).await;
}

async fn topics_are_found_by_a_pattern(target: &Target) {
    let one = target.topic("pattern-one").await;
    let other = target.topic("pattern-two").await;
    let group = target.group("pattern").await;
    let mut consumer = target.consumer(&group).await;
    let request = consumer
        .join_request(&[])
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(Some(text(format!("{}|pattern-tw", one.name))));
    let answer = consumer.send(request).await;
    assert_eq!(answer.error_code, NONE, "{:?}", answer.error_message);
    // The whole name has to match: not the other one.
    consumer.owns(&all(&one, 1)).await;
    assert_ne!(one.id, other.id);
    let described = target.describe_consumers(1, &group).await;
    let told = described.members[0].subscribed_topic_regex.clone();
    assert!(told.is_some_and(|regex| regex.starts_with("pattern-one")));
}

async fn a_bad_pattern_is_refused(target: &Target) {
    let group = target.group("bad-pattern").await;
    let mut consumer = target.consumer(&group).await;
    for pattern in ["(", "[", "a(?=b)"] {
        let request = consumer
            .join_request(&[])
            .with_subscribed_topic_names(None)
            .with_subscribed_topic_regex(Some(text(pattern)));
        let answer = consumer.send(request).await;
        assert_eq!(answer.error_code, INVALID_REGULAR_EXPRESSION, "{pattern}");
    }
}

async fn a_changed_subscription_changes_the_assignment(target: &Target) {
    let one = target.topic("resubscribe-1").await;
    let two = target.topic("resubscribe-2").await;
    let group = target.group("resubscribe").await;
    let mut consumer = target.consumer(&group).await;
    consumer.join(&[&one]).await;
    consumer.owns(&all(&one, 1)).await;
    let request = consumer
        .request()
        .with_subscribed_topic_names(Some(vec![two.name()]));
    assert_eq!(consumer.send(request).await.error_code, NONE);
    consumer.owns(&all(&two, 1)).await;
    let request = consumer
        .request()
        .with_subscribed_topic_names(Some(Vec::new()));
    assert_eq!(consumer.send(request).await.error_code, NONE);
    consumer.owns(&all(&two, 0)).await;
    eventually("the group's epoch is the member's", async || {
        consumer.settle().await;
        let described = target.describe_consumers(1, &group).await;
        (described.group_epoch == consumer.epoch).then_some(())
    })
    .await;
}
