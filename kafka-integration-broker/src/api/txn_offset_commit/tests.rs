use futures_util::future::join_all;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestTopic;
use kafka_protocol::messages::{
    GroupId, JoinGroupRequest, LeaveGroupRequest, ProducerId, SyncGroupRequest, TopicName,
    TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::*;
use crate::EmbeddedBroker;
use crate::core::{Ahead, Core};
use crate::groups::Client;

const ID: &str = "billing-1";
const GROUP: &str = "billing";

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Joins alone, and takes the assignment; the member's id and generation.
async fn member(core: &Core) -> (StrBytes, i32) {
    let client = Client {
        id: StrBytes::default(),
        host: "/127.0.0.1".to_owned(),
        version: 3,
    };
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    let request = JoinGroupRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let joined = core.groups.join(client, request).await;
    assert_eq!(joined.error_code, 0);
    let assignment = SyncGroupRequestAssignment::default().with_member_id(joined.member_id.clone());
    let request = SyncGroupRequest::default()
        .with_group_id(GroupId(text(GROUP)))
        .with_member_id(joined.member_id.clone())
        .with_generation_id(joined.generation_id)
        .with_assignments(vec![assignment]);
    assert_eq!(core.groups.sync(request).await.error_code, 0);
    (joined.member_id, joined.generation_id)
}

/// The transaction's part of the broker is busy while a member commits, and
/// the group goes on without the member meanwhile. Whoever reads the group's
/// offsets from then on would read records again if any came later.
#[tokio::test]
async fn nothing_becomes_pending_once_the_group_has_gone_on_without_the_member() {
    let broker = EmbeddedBroker::builder().start().await.expect("starts");
    let core = broker.core();
    let made = core.writer.create_topic("orders", 1, Default::default());
    made.await.expect("made");
    let (member_id, generation) = member(&core).await;
    let who = core.transactions.init(ID, 60_000, None).await;
    let who = who.expect("an identity");

    let names: Vec<_> = (0..100).map(|number| format!("other-{number}")).collect();
    let others = names
        .iter()
        .map(|name| core.transactions.add_group(ID, who, name));
    let cx = RequestContext {
        core: Arc::clone(&core),
        version: 5,
        client_id: Default::default(),
        peer: broker.address(),
        connection: 0,
        ahead: Ahead::default(),
        share: Default::default(),
    };
    let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(7);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(TopicName(text("orders")))
        .with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(ID)))
        .with_group_id(GroupId(text(GROUP)))
        .with_producer_id(ProducerId(who.producer_id))
        .with_producer_epoch(who.epoch)
        .with_member_id(member_id.clone())
        .with_generation_id(generation)
        .with_topics(vec![topic]);
    let leaves = async {
        let leaving = MemberIdentity::default().with_member_id(member_id);
        let request = LeaveGroupRequest::default()
            .with_group_id(GroupId(text(GROUP)))
            .with_members(vec![leaving]);
        let left = core.groups.leave(request).await;
        assert_eq!((left.error_code, left.members[0].error_code), (0, 0));
        is_pending(&core)
    };
    // Each takes its place when it is first polled: in this order.
    let (_, answer, was_pending) = tokio::join!(join_all(others), handle(&cx, request), leaves);
    let answer = answer.expect("answered").topics[0].partitions[0].error_code;
    assert_eq!(is_pending(&core), was_pending, "answered with {answer}");
    let expected = (!was_pending).then_some(ResponseError::UnknownMemberId);
    assert_eq!(answer, expected.number());
    broker.stop().await;
}

fn is_pending(core: &Core) -> bool {
    let orders = TopicPartition {
        topic: Arc::from("orders"),
        partition: 0,
    };
    core.offsets.group(GROUP, |offsets| {
        offsets.is_some_and(|offsets| offsets.is_pending(&orders))
    })
}
