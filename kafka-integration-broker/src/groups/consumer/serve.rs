//! The coordinator and a group's task, as far as the consumer protocol is
//! concerned.

use std::sync::Arc;
use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, JoinGroupRequest,
    LeaveGroupRequest, LeaveGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::member::JOINING;
use super::{ConsumerGroup, Refused, validate};
use crate::api::Code;
use crate::groups::Client;
use crate::groups::command::Command;
use crate::groups::coordinator::{Coordinator, Start};
use crate::groups::group::Group;
use crate::groups::kind::Kind;
use crate::groups::stored::StoredGroup;

impl Coordinator {
    /// Takes a member's word, and tells it what is next.
    ///
    /// # Errors
    /// What the client is told; nothing has changed.
    pub(crate) async fn consumer_heartbeat(
        &self,
        client: Client,
        request: ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        validate(&request, client.version)?;
        let id = request.group_id.0.clone();
        let (start, not_found) = match request.member_epoch {
            JOINING => (Start::Always, ""),
            epoch if epoch < JOINING => (Start::IfKnown, "Group"),
            _ => (Start::IfKnown, "Consumer group"),
        };
        let answer = self.ask(&id, start, |reply| Command::ConsumerHeartbeat {
            client,
            request,
            reply,
        });
        answer.await?.unwrap_or_else(|| {
            let message = format!("{not_found} {id} not found.");
            Err(Refused::new(ResponseError::GroupIdNotFound, message))
        })
    }

    /// # Errors
    /// There is no such group of this protocol.
    pub(crate) async fn consumer_describe(
        &self,
        group: &str,
        version: i16,
    ) -> Result<DescribedGroup, Refused> {
        let answer = self.ask(group, Start::IfKnown, |reply| Command::ConsumerDescribe {
            version,
            reply,
        });
        answer.await?.unwrap_or_else(|| {
            let message = format!("Group {group} not found.");
            Err(Refused::new(ResponseError::GroupIdNotFound, message))
        })
    }

    /// Whether offsets may be fetched by somebody who says that it is a
    /// member. In groups of the classic protocol everybody may.
    ///
    /// # Errors
    /// What OffsetFetch answers for the group.
    pub(crate) async fn check_fetch(
        &self,
        group: &str,
        member_id: Option<StrBytes>,
        member_epoch: i32,
    ) -> Result<(), ResponseError> {
        let answer = self.ask(group, Start::IfKnown, |reply| Command::CheckFetch {
            member_id,
            member_epoch,
            reply,
        });
        answer.await?.unwrap_or(Ok(()))
    }
}

impl Group {
    /// Answers a heartbeat once all that it changes is stored.
    pub(in crate::groups) async fn consumer_heartbeat(
        &mut self,
        client: &Client,
        request: &ConsumerGroupHeartbeatRequest,
        now: Instant,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        let mut group = self.as_consumer_group(request.member_epoch == JOINING)?;
        let response = group.heartbeat(client, request, &*self.shared.catalogue, now)?;
        self.become_stored(group)
            .await
            .map_err(|error| Refused::new(error, "The group could not be stored. Try again."))?;
        Ok(response)
    }

    /// Answers LeaveGroup once those that it names are out.
    pub(in crate::groups) async fn consumer_expel(
        &mut self,
        request: &LeaveGroupRequest,
    ) -> LeaveGroupResponse {
        let failed =
            |error: ResponseError| LeaveGroupResponse::default().with_error_code(error.number());
        let Kind::Consumer(group) = &self.kind else {
            return failed(ResponseError::UnknownMemberId);
        };
        let mut group = group.clone();
        let response = group.expel(request);
        match self.become_stored(group).await {
            Ok(()) => response,
            Err(error) => failed(error),
        }
    }

    async fn become_stored(&mut self, mut group: ConsumerGroup) -> Result<(), ResponseError> {
        if let Some(stored) = group.unsaved() {
            self.write(&StoredGroup::Consumer(stored)).await?;
        }
        self.kind = Kind::Consumer(group);
        Ok(())
    }

    /// A copy of the group, which takes its place once it is stored. A new or
    /// an empty one becomes a group of this protocol when somebody joins.
    ///
    /// Apache Kafka would let members of both protocols live together as long
    /// as they change over. Here all must leave before.
    fn as_consumer_group(&self, joins: bool) -> Result<ConsumerGroup, Refused> {
        let not_found = |message| Err(Refused::new(ResponseError::GroupIdNotFound, message));
        let id = &self.id;
        match &self.kind {
            Kind::Consumer(group) => Ok(group.clone()),
            Kind::Classic(group) if joins && group.is_empty() => Ok(ConsumerGroup::new(
                Arc::clone(id),
                self.shared.settings.consumer,
            )),
            Kind::Classic(_) if joins => not_found(format!(
                "Cannot upgrade classic group {id} to consumer group because online upgrade is \
                 disabled."
            )),
            Kind::Classic(_) if self.exists() => {
                not_found(format!("Group {id} is not a consumer group."))
            }
            Kind::Classic(_) => not_found(format!("Consumer group {id} not found.")),
        }
    }

    pub(in crate::groups) fn consumer_describe(
        &self,
        version: i16,
    ) -> Result<DescribedGroup, Refused> {
        let id = &self.id;
        let message = match &self.kind {
            Kind::Consumer(group) => return Ok(group.describe(version, &*self.shared.catalogue)),
            Kind::Classic(_) if self.exists() => format!("Group {id} is not a consumer group."),
            Kind::Classic(_) => format!("Group {id} not found."),
        };
        Err(Refused::new(ResponseError::GroupIdNotFound, message))
    }

    /// Lets members of the classic protocol into a group of this one, if it is
    /// empty and they are new.
    ///
    /// # Errors
    /// What JoinGroup answers instead.
    pub(in crate::groups) async fn make_way(
        &mut self,
        request: &JoinGroupRequest,
    ) -> Result<(), ResponseError> {
        let Kind::Consumer(group) = &self.kind else {
            return Ok(());
        };
        if !group.is_empty() {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        if !request.member_id.is_empty() {
            return Err(ResponseError::UnknownMemberId);
        }
        // What was stored is of the other protocol; the new group is stored
        // when it has members.
        self.forget().await?;
        self.kind = Kind::unused(&self.id, &self.shared);
        Ok(())
    }
}
