//! Coordinators that move, and groups that rebalance.

use bytes::Bytes;
use kafka_integration_broker::EmbeddedBroker;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, JoinGroupRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::requests::heartbeat;

const NOT_COORDINATOR: i16 = 16;
const UNKNOWN_MEMBER: i16 = 25;
const REBALANCE: i16 = 27;

async fn beat(client: &mut Client, group: &str) -> i16 {
    let answer = client.ask(4, &heartbeat(group)).await;
    answer.unwrap().error_code
}

#[tokio::test]
async fn a_moved_coordinator_sends_each_connection_away_once() {
    let broker = EmbeddedBroker::builder().start().await.unwrap();
    let address = broker.address();
    let mut one = Client::connect(address, "one").await;
    let mut two = Client::connect(address, "two").await;
    let mut gone = Client::connect(address, "gone").await;
    for client in [&mut one, &mut two, &mut gone] {
        assert_eq!(beat(client, "billing").await, UNKNOWN_MEMBER);
    }
    let moved = broker.move_coordinator("billing");
    let mut new = Client::connect(address, "new").await;
    assert_eq!(beat(&mut new, "billing").await, UNKNOWN_MEMBER);
    assert_eq!(beat(&mut one, "shipping").await, UNKNOWN_MEMBER);
    let find = FindCoordinatorRequest::default()
        .with_coordinator_keys(vec![StrBytes::from_static_str("billing")]);
    let found = one.ask(4, &find).await.unwrap();
    assert_eq!(found.coordinators[0].error_code, 0);
    assert_eq!(moved.hits(), 0);

    for client in [&mut one, &mut two] {
        assert_eq!(beat(client, "billing").await, NOT_COORDINATOR);
        assert_eq!(beat(client, "billing").await, UNKNOWN_MEMBER);
    }
    drop(gone);
    assert_eq!(moved.hits(), 2);
    broker.stop().await;
}

#[tokio::test]
async fn members_of_a_group_that_is_forced_to_rebalance_are_told() {
    let broker = EmbeddedBroker::builder().start().await.unwrap();
    let mut client = Client::connect(broker.address(), "member").await;
    let group = GroupId(StrBytes::from_static_str("billing"));
    let name = StrBytes::from_static_str("range");
    let protocol = JoinGroupRequestProtocol::default().with_name(name);
    let join = JoinGroupRequest::default()
        .with_group_id(group.clone())
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocols(vec![protocol]);
    let joined = client.ask(3, &join).await.unwrap();
    assert_eq!(joined.error_code, 0);
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(joined.member_id.clone())
        .with_assignment(Bytes::from_static(b"all"));
    let sync = SyncGroupRequest::default()
        .with_group_id(group)
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_assignments(vec![assignment]);
    assert_eq!(client.ask(3, &sync).await.unwrap().error_code, 0);
    let beat = heartbeat("billing")
        .with_member_id(joined.member_id)
        .with_generation_id(joined.generation_id);
    assert_eq!(client.ask(3, &beat).await.unwrap().error_code, 0);

    broker.force_rebalance("billing").await;
    assert_eq!(client.ask(3, &beat).await.unwrap().error_code, REBALANCE);
    // Nobody is there: nothing happens.
    broker.force_rebalance("shipping").await;
    broker.stop().await;
}
