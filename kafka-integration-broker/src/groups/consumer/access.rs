//! Who may speak for which member, and in which epoch.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;

use super::group::{ConsumerGroup, new_member_id};
use super::member::{JOINING, LEAVING_FOR_A_WHILE, Member};
use super::{Partitions, Refused};
use crate::groups::{CommitClaim, CommittedOffset};

/// The first version of OffsetCommit that knows member epochs.
const COMMIT_WITH_EPOCHS: i16 = 9;

impl ConsumerGroup {
    /// The member a heartbeat is of, and the id under which it was so far, if
    /// that is another.
    pub(super) fn find_or_join(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
        owned: Option<&Partitions>,
    ) -> Result<(Member, Option<String>), Refused> {
        let joins = request.member_epoch == JOINING;
        let Some(instance) = &request.instance_id else {
            let member = match self.members.get(&*request.member_id) {
                Some(member) => member.clone(),
                None if !joins => return Err(self.unknown(&request.member_id)),
                None if request.member_id.is_empty() => Member::new(new_member_id()),
                None => Member::new(request.member_id.to_string()),
            };
            check_epoch(&member, request.member_epoch, owned)?;
            return Ok((member, None));
        };
        if !joins {
            let member = self.static_member(instance, &request.member_id)?;
            check_epoch(member, request.member_epoch, owned)?;
            return Ok((member.clone(), None));
        }
        let id = match request.member_id.is_empty() {
            true => new_member_id(),
            false => request.member_id.to_string(),
        };
        let Some(old) = self.by_instance(instance) else {
            let known = self.members.get(&id).cloned();
            return Ok((known.unwrap_or_else(|| Member::new(id)), None));
        };
        if old.epoch != LEAVING_FOR_A_WHILE {
            return Err(Refused::new(
                ResponseError::UnreleasedInstanceId,
                format!(
                    "Static member {id} with instance id {instance} cannot join the group because \
                     the instance id is owned by {} member.",
                    old.id
                ),
            ));
        }
        Ok((old.returned(id), Some(old.id.clone())))
    }

    pub(super) fn member(&self, id: &str) -> Result<&Member, Refused> {
        self.members.get(id).ok_or_else(|| self.unknown(id))
    }

    /// The member of an instance, if it goes by `id`.
    pub(super) fn static_member(&self, instance: &str, id: &str) -> Result<&Member, Refused> {
        let member = self.instance(instance)?;
        if member.id != id {
            return Err(Refused::new(
                ResponseError::FencedInstanceId,
                format!(
                    "Static member {id} with instance id {instance} was fenced by member {}.",
                    member.id
                ),
            ));
        }
        Ok(member)
    }

    /// The member of an instance, by whatever id it goes.
    pub(super) fn instance(&self, instance: &str) -> Result<&Member, Refused> {
        self.by_instance(instance).ok_or_else(|| {
            let message = format!("Instance id {instance} is unknown.");
            Refused::new(ResponseError::UnknownMemberId, message)
        })
    }

    fn by_instance(&self, instance: &str) -> Option<&Member> {
        self.members
            .values()
            .find(|member| member.instance_id.as_deref() == Some(instance))
    }

    fn unknown(&self, member: &str) -> Refused {
        Refused::new(
            ResponseError::UnknownMemberId,
            format!("Member {member} is not a member of group {}.", self.id),
        )
    }

    /// Whether offsets may be committed.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) fn check_commit(&self, claim: &CommitClaim) -> Result<(), ResponseError> {
        if claim.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let says_nothing =
            claim.generation == -1 && claim.member_id.is_empty() && claim.instance_id.is_none();
        if claim.transactional && says_nothing {
            return Ok(());
        }
        let member = self
            .members
            .get(&*claim.member_id)
            .ok_or(ResponseError::UnknownMemberId)?;
        if !claim.transactional && claim.version < COMMIT_WITH_EPOCHS {
            return Err(ResponseError::UnsupportedVersion);
        }
        match member.epoch == claim.generation {
            true => Ok(()),
            // A transaction's client knows generations only.
            false if claim.transactional => Err(ResponseError::IllegalGeneration),
            false => Err(ResponseError::StaleMemberEpoch),
        }
    }

    /// Since when an offset has been of no use, in ms since 1970; `None` while
    /// it is in use.
    pub(crate) fn unused_since(&self, topic: &str, offset: &CommittedOffset) -> Option<i64> {
        (!self.is_subscribed(topic)).then_some(offset.timestamp)
    }

    /// Whether offsets may be fetched. Who is no member says so with no id and
    /// the epoch -1.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) fn check_fetch(
        &self,
        member_id: Option<&str>,
        member_epoch: i32,
    ) -> Result<(), ResponseError> {
        if member_id.is_none() && member_epoch < 0 {
            return Ok(());
        }
        let member = member_id.and_then(|id| self.members.get(id));
        match member {
            None => Err(ResponseError::UnknownMemberId),
            Some(member) if member.epoch == member_epoch => Ok(()),
            Some(_) => Err(ResponseError::StaleMemberEpoch),
        }
    }
}

/// The epoch before the member's own is accepted if its answer may have been
/// lost: the sender holds nothing that is not the member's now.
fn check_epoch(member: &Member, epoch: i32, owned: Option<&Partitions>) -> Result<(), Refused> {
    let known = member.epoch;
    let is_lost_answer = || {
        epoch == member.previous_epoch
            && owned.is_some_and(|owned| owned.is_subset_of(&member.assigned))
    };
    let relation = match epoch.cmp(&known) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less if is_lost_answer() => return Ok(()),
        std::cmp::Ordering::Less => "smaller",
        std::cmp::Ordering::Greater => "greater",
    };
    Err(Refused::new(
        ResponseError::FencedMemberEpoch,
        format!(
            "The consumer group member has a {relation} member epoch ({epoch}) than the one known \
             by the group coordinator ({known}). The member must abandon all its partitions and \
             rejoin."
        ),
    ))
}
