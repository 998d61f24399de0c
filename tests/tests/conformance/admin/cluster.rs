//! The cluster, and the producers of a partition.

use kafka_integration_tests::raw::Batch;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeProducersRequest, FindCoordinatorRequest, MetadataRequest,
};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::shapes::text;

cases!(
    the_cluster_is_described_as_metadata_has_it,
    controllers_are_not_described_by_brokers,
    the_producers_of_a_partition_are_described,
    every_version_finds_a_coordinator,
    a_coordinator_of_an_unknown_kind_is_refused,
);

async fn the_cluster_is_described_as_metadata_has_it(target: &Target) {
    let metadata = MetadataRequest::default().with_topics(Some(Vec::new()));
    let metadata = target.call(12, metadata).await;
    for version in 0..=2 {
        let answer = target
            .call(version, DescribeClusterRequest::default())
            .await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        assert_eq!(Some(answer.cluster_id), metadata.cluster_id);
        assert_eq!(answer.brokers.len(), 1);
        assert_eq!(answer.brokers[0].broker_id, metadata.brokers[0].node_id);
        assert_eq!(answer.brokers[0].port, metadata.brokers[0].port);
        assert_eq!(answer.controller_id, metadata.controller_id);
        assert_eq!(answer.cluster_authorized_operations, i32::MIN);
    }
}

async fn controllers_are_not_described_by_brokers(target: &Target) {
    for (kind, error) in [
        (2, MISMATCHED_ENDPOINT_TYPE),
        (7, UNSUPPORTED_ENDPOINT_TYPE),
    ] {
        let request = DescribeClusterRequest::default().with_endpoint_type(kind);
        let answer = target.call(1, request).await;
        assert_eq!(answer.error_code, error, "kind {kind}");
        assert!(answer.brokers.is_empty());
    }
}

async fn the_producers_of_a_partition_are_described(target: &Target) {
    let topic = target.topic("producers").await;
    assert!(target.producers(&topic, 0).await.is_empty());
    let mut producer = target.transactional("producers").await;
    target.append(&topic, 0, ["plain"]).await;
    let plain = Batch::of(["a", "b"]).producer(1 << 40, 3, 7);
    assert_eq!(target.produce(&topic, 0, &plain).await.error_code, NONE);
    let offset = producer.append(&topic, &["c"]).await;
    let states = target.producers(&topic, 0).await;
    assert_eq!(states.len(), 2);
    let open = &states[0];
    assert_eq!((open.producer_id.0, open.producer_epoch), (producer.id, 0));
    assert_eq!(
        (open.last_sequence, open.current_txn_start_offset),
        (0, offset)
    );
    assert_eq!(open.coordinator_epoch, -1, "no marker yet");
    let plain = &states[1];
    assert_eq!((plain.producer_id.0, plain.producer_epoch), (1 << 40, 3));
    assert_eq!(
        (plain.last_sequence, plain.current_txn_start_offset),
        (8, -1)
    );
    producer.end(target, true, &[&topic]).await;
    let states = target.producers(&topic, 0).await;
    assert_eq!(states[0].current_txn_start_offset, -1);
    assert_eq!(states[0].coordinator_epoch, 0);

    let asked = TopicRequest::default()
        .with_name(topic.name())
        .with_partition_indexes(vec![4]);
    let request = DescribeProducersRequest::default().with_topics(vec![asked]);
    let answer = target.call(0, request).await;
    let partition = &answer.topics[0].partitions[0];
    assert_eq!(partition.error_code, UNKNOWN_TOPIC_OR_PARTITION);
}

async fn every_version_finds_a_coordinator(target: &Target) {
    let group = target.unique("coordinator");
    target.transaction_coordinator(&group).await;
    target.group_coordinator(&group).await;
    let node = target.node().await;
    for version in 0..=5 {
        for kind in [0, 1] {
            if version == 0 && kind == 1 {
                continue;
            }
            let request = FindCoordinatorRequest::default().with_key_type(kind);
            let request = if version >= 4 {
                request.with_coordinator_keys(vec![text(&*group), text("other")])
            } else {
                request.with_key(text(&*group))
            };
            let answer = target.call(version, request).await;
            if version >= 4 {
                assert_eq!(answer.coordinators.len(), 2);
                for found in &answer.coordinators {
                    assert_eq!((found.error_code, found.node_id.0), (NONE, node));
                }
                assert_eq!(answer.coordinators[0].key, text(&*group));
            } else {
                assert_eq!((answer.error_code, answer.node_id.0), (NONE, node));
            }
        }
    }
}

async fn a_coordinator_of_an_unknown_kind_is_refused(target: &Target) {
    let request = FindCoordinatorRequest::default()
        .with_key(text("k"))
        .with_key_type(9);
    let answer = target.call(3, request).await;
    assert_eq!(answer.error_code, INVALID_REQUEST);
}
