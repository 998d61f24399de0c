use std::path::Path;
use std::time::Duration;

use kafka_protocol::messages::GroupId;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::protocol::StrBytes;

use super::*;
use crate::store::{self, Change, RecordKind, StoreOptions};

/// A coordinator over a store of its own.
struct Scene {
    groups: Coordinator,
    offsets: Arc<Offsets>,
    thread: std::thread::JoinHandle<()>,
    session_timeout_ms: i32,
}

impl Scene {
    fn open(data_dir: Option<&Path>) -> Self {
        Self::with(data_dir, Settings::default())
    }

    fn with(data_dir: Option<&Path>, settings: Settings) -> Self {
        let mut opened = store::open(&StoreOptions {
            data_dir: data_dir.map(Path::to_path_buf),
            sync_to_disk: false,
            memory_limit: 1 << 20,
        })
        .expect("a store");
        let groups = Coordinator::start(
            settings,
            Arc::clone(&opened.offsets),
            opened.catalogue,
            opened.writer,
            CancellationToken::new(),
            TaskTracker::new(),
            opened
                .records
                .remove(&RecordKind::Group)
                .unwrap_or_default(),
        );
        Self {
            groups,
            offsets: opened.offsets,
            thread: opened.thread,
            session_timeout_ms: 10_000,
        }
    }

    /// Ends everything, so that the directory can be opened again.
    async fn close(self) {
        let shared = &self.groups.shared;
        shared.stopping.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
        shared.writer.stop().await;
        self.thread.join().expect("the writing thread");
    }

    /// Waits until there are as many tasks of groups.
    async fn running(&self, count: usize) {
        let is_running = |slot: &&Slot| matches!(slot, Slot::Running(_));
        let running = || {
            self.groups
                .shared
                .groups
                .lock()
                .values()
                .filter(is_running)
                .count()
        };
        let reached = async {
            while running() != count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(10), reached).await;
        assert!(reached.is_ok(), "{} groups run, not {count}", running());
    }

    /// Joins alone, and takes the assignment; the member's id and generation.
    async fn member(&self, group: &str) -> (StrBytes, i32) {
        let client = Client {
            id: StrBytes::from_static_str("client"),
            host: "/127.0.0.1".to_owned(),
            version: 3,
        };
        let protocol =
            JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
        let request = JoinGroupRequest::default()
            .with_group_id(id(group))
            .with_session_timeout_ms(self.session_timeout_ms)
            .with_rebalance_timeout_ms(10_000)
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol]);
        let joined = self.groups.join(client, request).await;
        assert_eq!(joined.error_code, 0);
        let member = (joined.member_id, joined.generation_id);
        let assignment = SyncGroupRequestAssignment::default()
            .with_member_id(member.0.clone())
            .with_assignment(bytes::Bytes::from_static(b"mine"));
        let request = SyncGroupRequest::default()
            .with_group_id(id(group))
            .with_member_id(member.0.clone())
            .with_generation_id(member.1)
            .with_assignments(vec![assignment]);
        let synced = self.groups.sync(request).await;
        assert_eq!(
            (synced.error_code, &synced.assignment[..]),
            (0, &b"mine"[..])
        );
        member
    }

    async fn heartbeat(&self, group: &str, member: &(StrBytes, i32)) -> Result<(), ResponseError> {
        let request = HeartbeatRequest::default()
            .with_group_id(id(group))
            .with_member_id(member.0.clone())
            .with_generation_id(member.1);
        self.groups.heartbeat(request).await
    }

    async fn leave(&self, group: &str, member: &(StrBytes, i32)) {
        let leaving = MemberIdentity::default().with_member_id(member.0.clone());
        let request = LeaveGroupRequest::default()
            .with_group_id(id(group))
            .with_members(vec![leaving]);
        let left = self.groups.leave(request).await;
        assert_eq!((left.error_code, left.members[0].error_code), (0, 0));
    }

    async fn commit(&self, group: &str, generation: i32, offset: i64) -> Result<(), ResponseError> {
        let claim = CommitClaim {
            member_id: StrBytes::default(),
            instance_id: None,
            generation,
            version: 9,
            transactional: false,
        };
        let offsets = vec![(partition("t"), committed(offset, now_ms()))];
        self.groups.commit(group, claim, offsets).await
    }

    async fn in_transaction(
        &self,
        group: &str,
        generation: i32,
        changes: Changes,
    ) -> Result<(), ResponseError> {
        let claim = CommitClaim {
            member_id: StrBytes::default(),
            instance_id: None,
            generation,
            version: 5,
            transactional: true,
        };
        let groups = &self.groups;
        groups.commit_in_transaction(group, claim, changes).await
    }

    fn is_pending(&self, group: &str, topic: &str) -> bool {
        self.offsets.group(group, |offsets| {
            offsets.is_some_and(|offsets| offsets.is_pending(&partition(topic)))
        })
    }

    fn committed(&self, group: &str, topic: &str) -> Option<i64> {
        self.offsets.group(group, |offsets| {
            let offset = offsets?.committed.get(&partition(topic))?;
            Some(offset.offset)
        })
    }

    async fn states(&self) -> Vec<(String, String)> {
        let listed = self.groups.list().await.expect("groups");
        let state = |group: &ListedGroup| {
            let (id, state) = (&group.group_id, &group.group_state);
            (id.to_string(), state.to_string())
        };
        listed.iter().map(state).collect()
    }
}

fn id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}

fn partition(topic: &str) -> TopicPartition {
    TopicPartition {
        topic: Arc::from(topic),
        partition: 0,
    }
}

fn committed(offset: i64, timestamp: i64) -> CommittedOffset {
    CommittedOffset {
        offset,
        leader_epoch: -1,
        metadata: String::new(),
        timestamp,
    }
}

#[tokio::test]
async fn groups_that_nobody_is_in_leave_nothing_behind() {
    let scene = Scene::open(None);
    for number in 0..100 {
        let group = format!("invented-{number}");
        let stranger = (StrBytes::from_static_str("stranger"), 3);
        let unknown = Err(ResponseError::UnknownMemberId);
        assert_eq!(scene.heartbeat(&group, &stranger).await, unknown);
        let missing = Err(ResponseError::GroupIdNotFound);
        assert_eq!(scene.commit(&group, 3, 1).await, missing);
        let nothing = Changes::new();
        let allowed = scene.in_transaction(&group, -1, nothing.clone()).await;
        assert_eq!(allowed, Ok(()));
        let refused = scene.in_transaction(&group, 3, nothing).await;
        assert_eq!(refused, Err(ResponseError::IllegalGeneration));
        assert_eq!(scene.groups.describe(&group).await, Ok(None));
        assert_eq!(scene.groups.delete(&group).await, missing);
    }
    scene.running(0).await;
    assert!(scene.groups.shared.groups.lock().is_empty());
}

#[tokio::test]
async fn a_task_that_ends_loses_nothing_of_its_group() {
    let scene = Scene::open(None);
    let member = scene.member("g").await;
    scene.running(1).await;
    scene.leave("g", &member).await;
    scene.running(0).await;
    let listed = scene.states().await;
    assert_eq!(listed, [("g".to_owned(), "Empty".to_owned())]);
    let next = scene.member("g").await;
    assert_eq!(next.1, member.1 + 2, "one generation was nobody's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_ends_drops_nothing_that_is_on_its_way() {
    let scene = Arc::new(Scene::open(None));
    let commits = (0..8).map(|_| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move {
            for offset in 0..200 {
                assert_eq!(scene.commit("g", -1, offset).await, Ok(()));
            }
        })
    });
    for commit in commits.collect::<Vec<_>>() {
        commit.await.expect("commits");
    }
    assert_eq!(scene.committed("g", "t"), Some(199));
    scene.running(0).await;
}

#[tokio::test]
async fn a_group_with_offsets_alone_is_a_group() {
    let scene = Scene::open(None);
    assert_eq!(scene.commit("g", -1, 5).await, Ok(()));
    let listed = scene.states().await;
    assert_eq!(listed, [("g".to_owned(), "Empty".to_owned())]);
    let described = scene.groups.describe("g").await.expect("an answer");
    assert_eq!(described.expect("a group").protocol_type.as_str(), "");
    let stranger = scene.commit("g", 3, 6).await;
    assert_eq!(stranger, Err(ResponseError::UnknownMemberId));
    assert_eq!(scene.groups.delete("g").await, Ok(()));
    assert_eq!(scene.committed("g", "t"), None);
    assert!(scene.states().await.is_empty());
}

#[tokio::test]
async fn a_deleted_group_is_not_listed_while_its_task_runs() {
    let scene = Scene::open(None);
    assert_eq!(scene.commit("g", -1, 5).await, Ok(()));
    let busy = scene.groups.find("g", Start::IfKnown);
    let busy = busy.expect("there is room");
    assert!(busy.is_some());
    assert_eq!(scene.groups.delete("g").await, Ok(()));
    scene.running(1).await;
    assert!(scene.states().await.is_empty());
}

#[tokio::test]
async fn a_group_with_members_is_not_deleted() {
    let scene = Scene::open(None);
    let member = scene.member("g").await;
    let refusal = Err(ResponseError::NonEmptyGroup);
    assert_eq!(scene.groups.delete("g").await, refusal);
    scene.leave("g", &member).await;
    assert_eq!(scene.groups.delete("g").await, Ok(()));
    let missing = Err(ResponseError::GroupIdNotFound);
    assert_eq!(scene.groups.delete("g").await, missing);
    assert_eq!(scene.member("g").await.1, 1, "a new group of the same name");
}

#[tokio::test]
async fn offsets_of_topics_that_are_read_can_not_be_deleted() {
    let scene = Scene::open(None);
    assert_eq!(scene.commit("g", -1, 5).await, Ok(()));
    let member = scene.member("g").await;
    // Its metadata is empty, so that it might read anything.
    let deleted = scene.groups.delete_offsets("g", vec![partition("t")]).await;
    let subscribed = Err(ResponseError::GroupSubscribedToTopic);
    assert_eq!(deleted, Ok(vec![subscribed]));
    assert_eq!(scene.committed("g", "t"), Some(5));
    scene.leave("g", &member).await;
    let both = vec![partition("t"), partition("u")];
    let deleted = scene.groups.delete_offsets("g", both).await;
    assert_eq!(deleted, Ok(vec![Ok(()), Ok(())]));
    assert_eq!(scene.committed("g", "t"), None);
}

#[tokio::test]
async fn members_go_on_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let scene = Scene::open(Some(directory.path()));
    let member = scene.member("living").await;
    let gone = scene.member("empty").await;
    scene.leave("empty", &gone).await;
    scene.close().await;

    let scene = Scene::open(Some(directory.path()));
    scene.running(1).await;
    assert_eq!(scene.heartbeat("living", &member).await, Ok(()));
    let of = |group: &str, state: &str| (group.to_owned(), state.to_owned());
    let listed = scene.states().await;
    assert_eq!(listed, [of("empty", "Empty"), of("living", "Stable")]);
    assert_eq!(scene.groups.delete("empty").await, Ok(()));
    scene.close().await;

    let scene = Scene::open(Some(directory.path()));
    assert_eq!(scene.states().await, [of("living", "Stable")]);
    scene.close().await;
}

#[tokio::test]
async fn a_group_outlives_the_deletion_of_its_last_offset_until_the_next_sweep() {
    let scene = Scene::open(None);
    assert_eq!(scene.commit("g", -1, 5).await, Ok(()));
    for _ in 0..2 {
        let deleted = scene.groups.delete_offsets("g", vec![partition("t")]).await;
        assert_eq!(deleted, Ok(vec![Ok(())]));
        scene.running(0).await;
    }
    scene.groups.expire(now_ms()).await;
    let deleted = scene.groups.delete_offsets("g", vec![partition("t")]).await;
    assert_eq!(deleted, Err(ResponseError::GroupIdNotFound));
}

#[tokio::test]
async fn offsets_past_their_retention_go_and_the_group_with_them() {
    let week = i64::try_from(Settings::default().offsets_retention.as_millis()).expect("ms");
    let scene = Scene::open(None);
    assert_eq!(scene.commit("simple", -1, 5).await, Ok(()));
    assert_eq!(scene.commit("living", -1, 5).await, Ok(()));
    assert_eq!(scene.commit("left", -1, 5).await, Ok(()));
    scene.member("living").await;
    let member = scene.member("left").await;
    scene.leave("left", &member).await;

    scene.groups.expire(now_ms() + week - 60_000).await;
    for group in ["simple", "living", "left"] {
        assert_eq!(scene.committed(group, "t"), Some(5), "{group}");
    }
    scene.groups.expire(now_ms() + week + 1).await;
    assert_eq!(scene.committed("living", "t"), Some(5), "it may be reading");
    for group in ["simple", "left"] {
        assert_eq!(scene.committed(group, "t"), None, "{group}");
    }
    let stable = ("living".to_owned(), "Stable".to_owned());
    assert_eq!(scene.states().await, [stable]);
}

#[tokio::test]
async fn what_is_pending_is_not_past_its_retention() {
    let week = i64::try_from(Settings::default().offsets_retention.as_millis()).expect("ms");
    let scene = Scene::open(None);
    for group in ["new", "old"] {
        let pending = Change::PendingOffsets {
            producer_id: 7,
            group: Arc::from(group),
            offsets: vec![(partition("t"), committed(9, 0))],
        };
        if group == "old" {
            assert_eq!(scene.commit(group, -1, 5).await, Ok(()));
        }
        let changes = Changes::new().with(pending);
        assert_eq!(scene.in_transaction(group, -1, changes).await, Ok(()));
    }
    scene.groups.expire(now_ms() + 2 * week).await;
    assert_eq!(scene.committed("old", "t"), Some(5));
    for group in ["new", "old"] {
        assert!(scene.is_pending(group, "t"), "{group}");
    }
}

#[tokio::test]
async fn names_and_timeouts_have_limits() {
    let scene = Scene::open(None);
    let client = Client {
        id: StrBytes::default(),
        host: String::new(),
        version: 9,
    };
    let unnamed = JoinGroupRequest::default().with_session_timeout_ms(10_000);
    let answer = scene.groups.join(client.clone(), unnamed).await;
    assert_eq!(answer.error_code, ResponseError::InvalidGroupId.number());
    for session_timeout in [-1, 5_999, 1_800_001] {
        let request = JoinGroupRequest::default()
            .with_group_id(id("g"))
            .with_session_timeout_ms(session_timeout);
        let answer = scene.groups.join(client.clone(), request).await;
        let invalid = ResponseError::InvalidSessionTimeout.number();
        assert_eq!(answer.error_code, invalid, "{session_timeout}");
    }
    let unnamed = scene.in_transaction("", -1, Changes::new()).await;
    assert_eq!(unnamed, Err(ResponseError::InvalidGroupId));
    assert_eq!(scene.commit("", -1, 1).await, Ok(()), "as of old");
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let mut scene = Scene::open(None);
    scene.session_timeout_ms = 6_000;
    let began = Instant::now();
    let member = scene.member("g").await;
    scene.running(0).await;
    assert!(began.elapsed() >= Duration::from_secs(6));
    let gone = scene.heartbeat("g", &member).await;
    assert_eq!(gone, Err(ResponseError::UnknownMemberId));
}

#[tokio::test]
async fn a_forced_rebalance_is_told_at_the_next_heartbeat() {
    let scene = Scene::open(None);
    let member = scene.member("g").await;
    scene.groups.force_rebalance("g").await;
    let told = scene.heartbeat("g", &member).await;
    assert_eq!(told, Err(ResponseError::RebalanceInProgress));
}

#[tokio::test]
async fn there_are_only_so_many_groups_at_a_time() {
    let scene = Scene::with(
        None,
        Settings {
            max_groups: 2,
            ..Settings::default()
        },
    );
    let first = scene.member("one").await;
    scene.member("two").await;
    let third = scene.commit("three", -1, 5).await;
    assert_eq!(third, Err(ResponseError::CoordinatorNotAvailable));
    assert_eq!(scene.heartbeat("one", &first).await, Ok(()));
    scene.leave("one", &first).await;
    // A group without members and offsets leaves nothing behind.
    let deleted = scene.groups.delete("one").await;
    assert_eq!(deleted, Ok(()));
    scene.running(1).await;
    assert_eq!(scene.commit("three", -1, 5).await, Ok(()));
    scene.close().await;
}
