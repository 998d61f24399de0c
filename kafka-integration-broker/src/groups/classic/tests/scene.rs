//! A group, a clock that stands still, and members to play.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
    SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

use super::super::{ClassicGroup, StoredClassic};
use crate::api::Code;
use crate::groups::{Client, CommitClaim, Settings};

pub(super) const SESSION: i32 = 10_000;
pub(super) const REBALANCE: i32 = 60_000;

pub(super) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

/// An answer that may come later.
#[derive(Debug)]
pub(super) struct Answer<T>(oneshot::Receiver<T>);

impl<T: std::fmt::Debug> Answer<T> {
    #[track_caller]
    pub(super) fn get(&mut self) -> T {
        self.0.try_recv().expect("an answer")
    }

    #[track_caller]
    pub(super) fn waits(&mut self) {
        let answer = self.0.try_recv();
        assert!(
            matches!(answer, Err(oneshot::error::TryRecvError::Empty)),
            "answered: {answer:?}"
        );
    }
}

/// How a member joins.
#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) id: String,
    pub(super) instance: Option<String>,
    pub(super) protocols: Vec<(&'static str, Bytes)>,
    pub(super) protocol_type: &'static str,
    pub(super) rebalance_timeout: i32,
    pub(super) version: i16,
}

impl Join {
    /// A member without id, in a version that needs none.
    pub(super) fn new() -> Self {
        Self::again("")
    }

    pub(super) fn again(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            instance: None,
            protocols: vec![("range", subscription("a"))],
            protocol_type: "consumer",
            rebalance_timeout: REBALANCE,
            version: 3,
        }
    }

    pub(super) fn instance(mut self, id: &str) -> Self {
        self.instance = Some(id.to_owned());
        self
    }

    pub(super) fn version(mut self, version: i16) -> Self {
        self.version = version;
        self
    }

    pub(super) fn rebalance_timeout(mut self, ms: i32) -> Self {
        self.rebalance_timeout = ms;
        self
    }

    pub(super) fn protocols(mut self, names: &[&'static str]) -> Self {
        self.protocols = names
            .iter()
            .map(|name| (*name, subscription("a")))
            .collect();
        self
    }

    pub(super) fn topic(mut self, topic: &str) -> Self {
        self.protocols = vec![("range", subscription(topic))];
        self
    }
}

/// A consumer's metadata with one topic.
pub(super) fn subscription(topic: &str) -> Bytes {
    let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, topic.len() as u8];
    bytes.extend(topic.as_bytes());
    bytes.extend([0xff; 4]);
    bytes.into()
}

#[derive(Debug)]
pub(super) struct Scene {
    pub(super) group: ClassicGroup,
    pub(super) now: Instant,
    /// What was stored last.
    pub(super) stored: Option<StoredClassic>,
    /// The disk refuses.
    pub(super) broken: bool,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self {
            group: ClassicGroup::new(Arc::from("g"), Arc::new(settings)),
            now: Instant::now(),
            stored: None,
            broken: false,
        }
    }

    fn save(&mut self) {
        while let Some(stored) = self.group.unsaved() {
            if !self.broken {
                self.stored = Some(stored);
            }
            self.group.saved(!self.broken, self.now);
        }
    }

    /// Lets time pass, and what is due happen.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        loop {
            let next = self.group.next_deadline().filter(|at| *at <= end);
            self.now = next.unwrap_or(end).max(self.now);
            if next.is_none() {
                return;
            }
            self.group.tick(self.now);
            self.save();
        }
    }

    pub(super) fn join(&mut self, join: Join) -> Answer<JoinGroupResponse> {
        let (reply, answer) = oneshot::channel();
        let protocol = |(name, metadata): &(&'static str, Bytes)| {
            JoinGroupRequestProtocol::default()
                .with_name(text(name))
                .with_metadata(metadata.clone())
        };
        let request = JoinGroupRequest::default()
            .with_member_id(text(&join.id))
            .with_group_instance_id(join.instance.as_deref().map(text))
            .with_protocol_type(text(join.protocol_type))
            .with_protocols(join.protocols.iter().map(protocol).collect())
            .with_session_timeout_ms(SESSION)
            .with_rebalance_timeout_ms(join.rebalance_timeout);
        let client = Client {
            id: text("client"),
            host: "/127.0.0.1".to_owned(),
            version: join.version,
        };
        self.group.join(&client, request, reply, self.now);
        self.save();
        Answer(answer)
    }

    pub(super) fn sync(
        &mut self,
        generation: i32,
        id: &str,
        assignments: &[(&str, &'static str)],
    ) -> Answer<SyncGroupResponse> {
        let (reply, answer) = oneshot::channel();
        let assignment = |(id, bytes): &(&str, &'static str)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(id))
                .with_assignment(Bytes::from_static(bytes.as_bytes()))
        };
        let request = SyncGroupRequest::default()
            .with_member_id(text(id))
            .with_generation_id(generation)
            .with_assignments(assignments.iter().map(assignment).collect());
        self.group.sync(&request, reply);
        self.save();
        Answer(answer)
    }

    pub(super) fn heartbeat(&mut self, generation: i32, id: &str) -> Result<(), ResponseError> {
        let request = HeartbeatRequest::default()
            .with_member_id(text(id))
            .with_generation_id(generation);
        self.group.heartbeat(&request, self.now)
    }

    /// Leaves, by member id and instance id; the members' errors.
    pub(super) fn leave(&mut self, leaving: &[(&str, Option<&str>)]) -> Vec<i16> {
        let identity = |(id, instance): &(&str, Option<&str>)| {
            MemberIdentity::default()
                .with_member_id(text(id))
                .with_group_instance_id(instance.map(text))
        };
        let request =
            LeaveGroupRequest::default().with_members(leaving.iter().map(identity).collect());
        let response = self.group.leave(&request, self.now);
        self.save();
        response.members.iter().map(|one| one.error_code).collect()
    }

    pub(super) fn commit(&mut self, generation: i32, id: &str) -> Result<(), ResponseError> {
        let claim = CommitClaim {
            member_id: text(id),
            instance_id: None,
            generation,
            version: 9,
            transactional: false,
        };
        self.group.check_commit(&claim)?;
        self.group.committed(&claim, self.now);
        Ok(())
    }

    pub(super) fn txn_commit(&mut self, generation: i32, id: &str) -> Result<(), ResponseError> {
        self.group.check_commit(&CommitClaim {
            member_id: text(id),
            instance_id: None,
            generation,
            version: 3,
            transactional: true,
        })
    }

    pub(super) fn state(&self) -> String {
        self.group.listed().group_state.to_string()
    }

    /// A stable group of `count` dynamic members: the leader comes first.
    pub(super) fn stable(&mut self, count: usize) -> Vec<String> {
        let mut answers = vec![self.join(Join::new())];
        self.pass(0);
        let leader = answers[0].get().member_id.to_string();
        for _ in 1..count {
            answers.push(self.join(Join::new()));
        }
        let mut ids = vec![leader.clone()];
        if count > 1 {
            self.join(Join::again(&leader));
            ids.extend(
                answers[1..]
                    .iter_mut()
                    .map(|one| one.get().member_id.to_string()),
            );
        }
        let generation = self.group.generation;
        for id in ids.iter().rev() {
            let _ = self.sync(generation, id, &[]);
        }
        assert_eq!(self.state(), "Stable");
        ids
    }
}

/// The code of an error in a response.
pub(super) fn code(error: ResponseError) -> i16 {
    error.number()
}
