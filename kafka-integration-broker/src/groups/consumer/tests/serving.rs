//! The task of a group, and what is left of it.

use std::path::Path;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, GroupId, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fixture::{beat, client, join, join_matching, text};
use crate::groups::consumer::Refused;
use crate::groups::{CommitClaim, CommittedOffset, Coordinator, Settings, TopicPartition};
use crate::log::Catalogue;
use crate::store::{self, RecordKind, StoreOptions, Writer};

/// A coordinator over a store of its own.
struct Scene {
    groups: Coordinator,
    catalogue: Arc<Catalogue>,
    writer: Writer,
    stopping: CancellationToken,
    tasks: TaskTracker,
    thread: std::thread::JoinHandle<()>,
}

impl Scene {
    fn open(data_dir: Option<&Path>) -> Self {
        let options = StoreOptions {
            data_dir: data_dir.map(Path::to_path_buf),
            sync_to_disk: false,
            memory_limit: 1 << 20,
        };
        let mut opened = store::open(&options).expect("a store");
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let records = opened.records.remove(&RecordKind::Group);
        let groups = Coordinator::start(
            Settings::default(),
            opened.offsets,
            Arc::clone(&opened.catalogue),
            opened.writer.clone(),
            stopping.clone(),
            tasks.clone(),
            records.unwrap_or_default(),
        );
        Self {
            groups,
            catalogue: opened.catalogue,
            writer: opened.writer,
            stopping,
            tasks,
            thread: opened.thread,
        }
    }

    /// Ends everything, so that the directory can be opened again.
    async fn close(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.writer.stop().await;
        self.thread.join().expect("the writing thread");
    }

    async fn topic(&self, name: &str, partitions: i32) {
        let made = self
            .writer
            .create_topic(name, partitions, Default::default());
        made.await.expect("a topic");
    }

    async fn send(
        &self,
        request: ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        self.groups.consumer_heartbeat(client(), request).await
    }

    async fn refused(&self, request: ConsumerGroupHeartbeatRequest) -> ResponseError {
        self.send(request).await.expect_err("no member").error
    }

    /// The partitions that a heartbeat is answered with.
    async fn told(&self, request: ConsumerGroupHeartbeatRequest) -> Option<Vec<i32>> {
        let response = self.send(request).await.expect("a member");
        let topics = response.assignment?.topic_partitions.into_iter();
        Some(topics.flat_map(|topic| topic.partitions).collect())
    }

    /// The state and the epoch.
    async fn described(&self) -> Result<(String, i32), ResponseError> {
        let described = self.groups.consumer_describe("group", 1).await;
        let described = described.map_err(|refused| refused.error)?;
        Ok((described.group_state.to_string(), described.group_epoch))
    }

    async fn classic_join(&self, member: &str) -> JoinGroupResponse {
        let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
        let request = JoinGroupRequest::default()
            .with_group_id(GroupId(text("group")))
            .with_member_id(text(member))
            .with_session_timeout_ms(10_000)
            .with_rebalance_timeout_ms(10_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let mut client = client();
        client.version = 3;
        self.groups.join(client, request).await
    }

    async fn commit(&self, member: &str, epoch: i32) -> Result<(), ResponseError> {
        let claim = CommitClaim {
            member_id: text(member),
            instance_id: None,
            generation: epoch,
            version: 9,
            transactional: false,
        };
        let offset = CommittedOffset {
            offset: 5,
            leader_epoch: -1,
            metadata: String::new(),
            timestamp: crate::clock::now_ms(),
        };
        let partition = TopicPartition {
            topic: Arc::from("orders"),
            partition: 0,
        };
        self.groups
            .commit("group", claim, vec![(partition, offset)])
            .await
    }

    async fn classic_leave(&self, member: &str) -> i16 {
        let leaving = MemberIdentity::default().with_member_id(text(member));
        let request = LeaveGroupRequest::default()
            .with_group_id(GroupId(text("group")))
            .with_members(vec![leaving]);
        let left = self.groups.leave(request).await;
        assert_eq!(left.error_code, 0);
        left.members[0].error_code
    }
}

const NOT_FOUND: ResponseError = ResponseError::GroupIdNotFound;

#[tokio::test]
async fn a_restart_restores_a_group() {
    let directory = tempfile::tempdir().expect("a directory");
    let scene = Scene::open(Some(directory.path()));
    scene.topic("orders", 4).await;
    assert_eq!(
        scene.told(join("a", &["orders"])).await,
        Some(vec![0, 1, 2, 3])
    );
    scene.told(join_matching("b", "ord.*")).await;
    assert_eq!(scene.told(beat("a", 1)).await, Some(vec![0, 1]));
    assert_eq!(scene.commit("a", 1).await, Ok(()));
    scene.close().await;

    let scene = Scene::open(Some(directory.path()));
    assert_eq!(scene.described().await, Ok(("Reconciling".to_owned(), 2)));
    assert_eq!(scene.told(beat("b", 2)).await, None);
    let topic = scene.catalogue.topic("orders").expect("the topic");
    let owned =
        kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions::default()
            .with_topic_id(topic.id)
            .with_partitions(vec![0, 1]);
    assert_eq!(
        scene
            .told(beat("a", 1).with_topic_partitions(Some(vec![owned])))
            .await,
        None
    );
    assert_eq!(scene.told(beat("b", 2)).await, Some(vec![2, 3]));
    assert_eq!(scene.described().await, Ok(("Stable".to_owned(), 2)));
    // All leave, and it is a group still.
    scene.told(beat("a", -1)).await;
    scene.told(beat("b", -1)).await;
    scene.close().await;

    let scene = Scene::open(Some(directory.path()));
    assert_eq!(scene.described().await, Ok(("Empty".to_owned(), 4)));
    assert_eq!(scene.groups.delete("group").await, Ok(()));
    assert_eq!(scene.described().await, Err(NOT_FOUND));
    scene.close().await;

    let scene = Scene::open(Some(directory.path()));
    assert_eq!(scene.described().await, Err(NOT_FOUND));
    scene.close().await;
}

#[tokio::test]
async fn a_heartbeat_alone_makes_no_group() {
    let scene = Scene::open(None);
    for epoch in [1, -1] {
        assert_eq!(scene.refused(beat("a", epoch)).await, NOT_FOUND);
    }
    let invalid = scene.refused(join_matching("a", "a[")).await;
    assert_eq!(invalid, ResponseError::InvalidRegularExpression);
    assert_eq!(scene.described().await, Err(NOT_FOUND));
    assert!(scene.groups.list().await.expect("a list").is_empty());
    scene.close().await;
}

#[tokio::test]
async fn an_empty_group_becomes_one_of_the_other_protocol() {
    let directory = tempfile::tempdir().expect("a directory");
    let scene = Scene::open(Some(directory.path()));
    let joined = scene.classic_join("").await;
    assert_eq!(joined.error_code, 0);
    // While somebody is in it, it stays what it is.
    assert_eq!(scene.refused(join("a", &[])).await, NOT_FOUND);
    assert_eq!(scene.refused(beat("a", 1)).await, NOT_FOUND);
    assert_eq!(scene.described().await, Err(NOT_FOUND));
    assert_eq!(scene.classic_leave(&joined.member_id).await, 0);
    scene.told(join("a", &[])).await;
    assert_eq!(scene.described().await, Ok(("Stable".to_owned(), 1)));

    let inconsistent = ResponseError::InconsistentGroupProtocol.code();
    assert_eq!(scene.classic_join("").await.error_code, inconsistent);
    scene.told(beat("a", -1)).await;
    let unknown = ResponseError::UnknownMemberId.code();
    assert_eq!(scene.classic_join("old").await.error_code, unknown);
    assert_eq!(scene.classic_join("").await.error_code, 0);
    assert_eq!(scene.described().await, Err(NOT_FOUND));
    assert!(matches!(scene.groups.describe("group").await, Ok(Some(_))));
    scene.close().await;
    // What is stored is of the kind it is now: nobody was in a generation.
    let scene = Scene::open(Some(directory.path()));
    assert_eq!(scene.described().await, Err(NOT_FOUND));
    scene.close().await;
}

#[tokio::test]
async fn what_members_of_the_other_protocol_are_told() {
    let scene = Scene::open(None);
    scene.told(join("a", &["orders"])).await;
    let group = || GroupId(text("group"));
    let unknown = ResponseError::UnknownMemberId;
    let request = HeartbeatRequest::default()
        .with_group_id(group())
        .with_member_id(text("a"))
        .with_generation_id(1);
    assert_eq!(scene.groups.heartbeat(request).await, Err(unknown));
    let request = SyncGroupRequest::default()
        .with_group_id(group())
        .with_member_id(text("a"))
        .with_generation_id(1);
    assert_eq!(scene.groups.sync(request).await.error_code, unknown.code());
    // To DescribeGroups it is no group.
    assert!(matches!(scene.groups.describe("group").await, Ok(None)));
    let listed = scene.groups.list().await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(&*listed[0].group_type, "consumer");
    assert_eq!(&*listed[0].group_state, "Stable");
    assert_eq!(
        scene.groups.delete("group").await,
        Err(ResponseError::NonEmptyGroup)
    );
    assert_eq!(scene.classic_leave("b").await, unknown.code());
    assert_eq!(scene.classic_leave("a").await, 0);
    assert_eq!(scene.described().await, Ok(("Empty".to_owned(), 2)));
    scene.close().await;
}

#[tokio::test]
async fn epochs_are_checked_where_offsets_are_kept() {
    let scene = Scene::open(None);
    scene.told(join("a", &["orders"])).await;
    let stale = Err(ResponseError::StaleMemberEpoch);
    assert_eq!(scene.commit("a", 0).await, stale);
    assert_eq!(scene.commit("a", 1).await, Ok(()));
    let check =
        |id: Option<&'static str>, epoch| scene.groups.check_fetch("group", id.map(text), epoch);
    assert_eq!(check(Some("a"), 1).await, Ok(()));
    assert_eq!(check(Some("a"), 2).await, stale);
    assert_eq!(
        check(Some("b"), 1).await,
        Err(ResponseError::UnknownMemberId)
    );
    // A topic that somebody reads keeps its offsets.
    let partition = TopicPartition {
        topic: Arc::from("orders"),
        partition: 0,
    };
    let deleted = scene.groups.delete_offsets("group", vec![partition]).await;
    assert_eq!(
        deleted,
        Ok(vec![Err(ResponseError::GroupSubscribedToTopic)])
    );
    scene.close().await;
}

#[tokio::test]
async fn what_cannot_be_stored_has_not_happened() {
    let scene = Scene::open(None);
    scene.told(join("a", &[])).await;
    scene.writer.stop().await;
    let unavailable = ResponseError::CoordinatorNotAvailable;
    assert_eq!(scene.refused(join("b", &[])).await, unavailable);
    assert_eq!(scene.refused(beat("a", -1)).await, unavailable);
    assert_eq!(scene.described().await, Ok(("Stable".to_owned(), 1)));
    // What changes nothing needs no disk.
    assert_eq!(scene.told(beat("a", 1)).await, None);
    scene.stopping.cancel();
    scene.tasks.close();
    scene.tasks.wait().await;
}
