//! Members of classic groups on raw requests.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_integration_tests::raw::{Connection, Ticket};
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DescribeGroupsRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, SyncGroupRequest, SyncGroupResponse,
};

use super::codes::*;
use super::shapes::{group_id, text};
use super::topics::Topic;
use super::{Target, eventually};

/// A member of a classic group. Its name is its metadata.
pub struct Member {
    pub connection: Connection,
    pub group: String,
    pub id: String,
    pub instance: Option<String>,
    pub generation: i32,
    pub session_ms: i32,
    pub rebalance_ms: i32,
    pub protocols: Vec<(&'static str, Bytes)>,
    pub protocol_type: &'static str,
}

impl Target {
    /// A name for a group whose coordinator is there.
    pub async fn group(&self, case: &str) -> String {
        let group = self.unique(case);
        self.group_coordinator(&group).await;
        eventually("the group's coordinator", async || {
            let error = self.describe_group(0, &group).await.error_code;
            (error == NONE).then_some(())
        })
        .await;
        group
    }

    /// What DescribeGroups says of one group.
    pub async fn describe_group(&self, version: i16, group: &str) -> DescribedGroup {
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
        self.call(version, request).await.groups.remove(0)
    }

    /// The group's state by DescribeGroups.
    pub async fn group_state(&self, group: &str) -> String {
        self.describe_group(5, group).await.group_state.to_string()
    }

    /// A client that is not yet a member.
    pub async fn member(&self, group: &str) -> Member {
        Member {
            connection: self.connect().await,
            group: group.to_owned(),
            id: String::new(),
            instance: None,
            generation: -1,
            session_ms: 30_000,
            rebalance_ms: 30_000,
            protocols: vec![("range", Bytes::from_static(b"metadata"))],
            // Of a "consumer" Apache Kafka reads the metadata.
            protocol_type: "test",
        }
    }

    /// A group that is stable, and its members, the leader first.
    pub async fn stable(&self, case: &str, members: usize) -> Vec<Member> {
        let group = self.group(case).await;
        let mut all = Vec::new();
        for _ in 0..members {
            all.push(self.member(&group).await);
        }
        rebalance(&mut all).await;
        all
    }
}

/// A consumer's subscription in Kafka's own form, version 0.
pub fn subscription(topic: &Topic) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    bytes.put_i16(topic.name.len() as i16);
    bytes.put_slice(topic.name.as_bytes());
    bytes.put_i32(-1);
    bytes.freeze()
}

/// Lets all members join one generation; the first one leads, if it is new too.
///
/// A new group's first generation does not wait for others, so that the second
/// one is it that all of them are in.
pub async fn join_all(members: &mut [Member]) -> Vec<JoinGroupResponse> {
    let (first, others) = members.split_first_mut().expect("members");
    first.identify().await;
    let answer = first.join(9).await;
    assert_eq!(answer.error_code, NONE);
    let mut answers = vec![answer];
    if others.is_empty() {
        return answers;
    }
    for member in others.iter_mut() {
        member.identify().await;
    }
    let mut joins = Vec::new();
    for member in others.iter_mut() {
        joins.push(member.send_join(9).await);
    }
    first.heartbeat_until(REBALANCE_IN_PROGRESS).await;
    answers[0] = first.join(9).await;
    for (member, ticket) in others.iter_mut().zip(joins) {
        answers.push(member.joined(ticket).await);
    }
    let generations = answers.iter().map(|answer| answer.generation_id);
    assert!(
        generations
            .clone()
            .all(|generation| generation == answers[0].generation_id)
    );
    answers
}

/// Lets all members join and sync; each is assigned `to ID`.
pub async fn rebalance(members: &mut [Member]) {
    join_all(members).await;
    let ids: Vec<_> = members.iter().map(|member| member.id.clone()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(members[0].sync_all(&ids).await.error_code, NONE);
    for member in &mut members[1..] {
        assert_eq!(member.sync(5, &[]).await.error_code, NONE);
    }
}

impl Member {
    #[must_use]
    pub fn timeouts(mut self, session_ms: i32, rebalance_ms: i32) -> Self {
        self.session_ms = session_ms;
        self.rebalance_ms = rebalance_ms;
        self
    }

    #[must_use]
    pub fn instance(mut self, instance: &str) -> Self {
        self.instance = Some(instance.to_owned());
        self
    }

    #[must_use]
    pub fn protocols(mut self, protocols: &[(&'static str, &'static str)]) -> Self {
        let protocols = protocols.iter();
        let protocols =
            protocols.map(|(name, metadata)| (*name, Bytes::from_static(metadata.as_bytes())));
        self.protocols = protocols.collect();
        self
    }

    pub fn join_request(&self, version: i16) -> JoinGroupRequest {
        let protocols = self.protocols.iter().map(|(name, metadata)| {
            JoinGroupRequestProtocol::default()
                .with_name(text(*name))
                .with_metadata(metadata.clone())
        });
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(&*self.group))
            .with_session_timeout_ms(self.session_ms)
            .with_rebalance_timeout_ms(if version >= 1 { self.rebalance_ms } else { -1 })
            .with_member_id(text(&*self.id))
            .with_protocol_type(text(self.protocol_type))
            .with_protocols(protocols.collect());
        match &self.instance {
            Some(instance) => request.with_group_instance_id(Some(text(&**instance))),
            None => request,
        }
    }

    /// Asks for an id, unless it has one or is static.
    pub async fn identify(&mut self) {
        if !self.id.is_empty() || self.instance.is_some() {
            return;
        }
        let request = self.join_request(9);
        let answer = self.connection.call(9, request).await;
        assert_eq!(answer.error_code, MEMBER_ID_REQUIRED);
        self.id = answer.member_id.to_string();
        assert!(!self.id.is_empty());
    }

    /// Sends a join whose answer comes later.
    pub async fn send_join(&mut self, version: i16) -> Ticket<JoinGroupRequest> {
        let request = self.join_request(version);
        self.connection.send(version, request).await
    }

    /// The answer to a join, which is remembered.
    pub async fn joined(&mut self, ticket: Ticket<JoinGroupRequest>) -> JoinGroupResponse {
        let answer = self.connection.answer(ticket).await;
        if answer.error_code == NONE {
            self.id = answer.member_id.to_string();
            self.generation = answer.generation_id;
        }
        answer
    }

    /// Joins and waits for the answer.
    pub async fn join(&mut self, version: i16) -> JoinGroupResponse {
        let ticket = self.send_join(version).await;
        self.joined(ticket).await
    }

    pub fn sync_request(&self, version: i16, assignments: &[(String, String)]) -> SyncGroupRequest {
        let assignments = assignments.iter().map(|(member, assignment)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(&**member))
                .with_assignment(Bytes::copy_from_slice(assignment.as_bytes()))
        });
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(&*self.group))
            .with_generation_id(self.generation)
            .with_member_id(text(&*self.id))
            .with_assignments(assignments.collect());
        let request = if version >= 5 {
            request
                .with_protocol_type(Some(text(self.protocol_type)))
                .with_protocol_name(Some(text(self.protocols[0].0)))
        } else {
            request
        };
        match &self.instance {
            Some(instance) => request.with_group_instance_id(Some(text(&**instance))),
            None => request,
        }
    }

    pub async fn sync(
        &mut self,
        version: i16,
        assignments: &[(String, String)],
    ) -> SyncGroupResponse {
        let request = self.sync_request(version, assignments);
        self.connection.call(version, request).await
    }

    /// Syncs as the leader: these members, each with `to ID`.
    pub async fn sync_all(&mut self, ids: &[&str]) -> SyncGroupResponse {
        let assignments: Vec<_> = ids
            .iter()
            .map(|id| ((*id).to_owned(), format!("to {id}")))
            .collect();
        self.sync(5, &assignments).await
    }

    pub async fn heartbeat(&mut self) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group_id(&*self.group))
            .with_generation_id(self.generation)
            .with_member_id(text(&*self.id));
        let request = match &self.instance {
            Some(instance) => request.with_group_instance_id(Some(text(&**instance))),
            None => request,
        };
        self.connection.call(4, request).await.error_code
    }

    /// Beats until this is the answer.
    pub async fn heartbeat_until(&mut self, error: i16) {
        eventually(&format!("a heartbeat says {error}"), async || {
            (self.heartbeat().await == error).then_some(())
        })
        .await;
    }

    /// Leaves with LeaveGroup 5; the member's error.
    pub async fn leave(&mut self) -> i16 {
        let identity = MemberIdentity::default()
            .with_member_id(text(&*self.id))
            .with_group_instance_id(self.instance.as_deref().map(text));
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(&*self.group))
            .with_members(vec![identity]);
        let answer = self.connection.call(5, request).await;
        assert_eq!(answer.error_code, NONE);
        answer.members[0].error_code
    }

    /// Whether no answer comes for a while.
    pub async fn waits(&mut self) -> bool {
        self.connection.silent_for(Duration::from_millis(300)).await
    }
}
