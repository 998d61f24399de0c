//! A store with a coordinator over it, and what a producer does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BufMut;
use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::{Coordinator, Identity, OffsetsToCommit, Protocol, Shared, Stored};
use crate::groups::{self, CommitClaim, CommittedOffset, TopicPartition};
use crate::log::{Partition, SequenceError};
use crate::records::{BatchHeader, ValidBatch};
use crate::store::{AppendError, Change, Changes, Opened, RecordKind, StoreOptions, open};

pub(super) const ID: &str = "billing-1";
pub(super) const GROUP: &str = "billing";

pub(super) struct Fixture {
    pub(super) directory: TempDir,
    pub(super) opened: Opened,
    pub(super) coordinator: Coordinator,
    stopping: CancellationToken,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let fixture = Self::on(tempfile::tempdir().expect("a directory")).await;
        for topic in ["orders", "payments"] {
            let made = fixture
                .opened
                .writer
                .create_topic(topic, 2, BTreeMap::new());
            made.await.expect("create a topic");
        }
        fixture
    }

    async fn on(directory: TempDir) -> Self {
        let mut opened = open(&StoreOptions {
            data_dir: Some(directory.path().to_path_buf()),
            sync_to_disk: false,
            memory_limit: 1 << 20,
        })
        .expect("open the store");
        let stopping = CancellationToken::new();
        let mut take = |kind| opened.records.remove(&kind).unwrap_or_default();
        let stored = Stored {
            meta: take(RecordKind::Meta),
            transactions: take(RecordKind::Transaction),
        };
        let shared = Shared {
            writer: opened.writer.clone(),
            catalogue: Arc::clone(&opened.catalogue),
            groups: groups::Coordinator::start(
                groups::Settings::default(),
                Arc::clone(&opened.offsets),
                Arc::clone(&opened.catalogue),
                opened.writer.clone(),
                stopping.clone(),
                TaskTracker::new(),
                take(RecordKind::Group),
            ),
            stopping: stopping.clone(),
            tasks: TaskTracker::new(),
        };
        let coordinator = Coordinator::start(shared, &stored)
            .await
            .expect("start the coordinator");
        Self {
            directory,
            opened,
            coordinator,
            stopping,
        }
    }

    /// The broker was killed: another begins with the files as they are.
    pub(super) async fn crash(self) -> Self {
        let copy = tempfile::tempdir().expect("a directory");
        copy_files(self.directory.path(), copy.path());
        Self::on(copy).await
    }

    pub(super) async fn init(&self) -> Identity {
        self.coordinator
            .init(ID, 60_000, None)
            .await
            .expect("an identity")
    }

    pub(super) fn partition(&self, topic: &str, index: i32) -> Arc<Partition> {
        let found = self.opened.catalogue.partition(topic, index);
        found.expect("the partition")
    }

    pub(super) async fn enlist(&self, who: Identity, topic: &str, index: i32, protocol: Protocol) {
        let partitions = vec![self.partition(topic, index)];
        self.coordinator
            .add_partitions(ID, who, partitions, protocol)
            .await
            .expect("enlist");
    }

    pub(super) async fn write(
        &self,
        who: Identity,
        topic: &str,
        index: i32,
        sequence: i32,
    ) -> Result<i64, SequenceError> {
        let batch = transactional(who, sequence);
        let batches = vec![(self.partition(topic, index), batch)];
        let appending = self.opened.writer.append(batches).await.expect("runs");
        let mut results = appending.done().await.expect("runs");
        match results.remove(0) {
            Ok(appended) => Ok(appended.base_offset),
            Err(AppendError::Sequence(error)) => Err(error),
            Err(error) => panic!("not appended: {error}"),
        }
    }

    pub(super) async fn end(
        &self,
        who: Identity,
        commit: bool,
        protocol: Protocol,
    ) -> Result<Identity, ResponseError> {
        self.coordinator.end(ID, who, commit, protocol).await
    }

    pub(super) async fn commit_offset(
        &self,
        who: Identity,
        offset: i64,
        protocol: Protocol,
    ) -> Result<(), ResponseError> {
        let offsets = OffsetsToCommit {
            group: Arc::from(GROUP),
            claim: CommitClaim {
                member_id: StrBytes::default(),
                instance_id: None,
                generation: -1,
                version: 5,
                transactional: true,
            },
            offsets: vec![(source(), committed(offset))],
        };
        self.coordinator
            .commit_offsets(ID, who, offsets, protocol)
            .await
    }

    /// Commits outside a transaction.
    pub(super) async fn commit_plainly(&self, offset: i64) {
        let change = Change::Offsets {
            group: Arc::from(GROUP),
            offsets: vec![(source(), committed(offset))],
        };
        let applied = self.opened.writer.apply(Changes::new().with(change));
        applied.await.expect("commit an offset");
    }

    /// The group's committed offset, and whether another one is pending.
    pub(super) fn offset(&self) -> (Option<i64>, bool) {
        self.opened.offsets.group(GROUP, |offsets| {
            offsets.map_or((None, false), |offsets| {
                let committed = offsets.committed.get(&source());
                (
                    committed.map(|committed| committed.offset),
                    offsets.is_pending(&source()),
                )
            })
        })
    }

    /// The headers of all batches.
    pub(super) async fn log(&self, topic: &str, index: i32) -> Vec<BatchHeader> {
        let partition = self.partition(topic, index);
        let batches = partition
            .read(&self.opened.reader, 0, i64::MAX, usize::MAX, true)
            .await
            .expect("read");
        batches
            .iter()
            .map(|batch| BatchHeader::read(batch).expect("a header"))
            .collect()
    }

    pub(super) fn last_stable_offset(&self, topic: &str, index: i32) -> i64 {
        self.partition(topic, index)
            .view(|view| view.last_stable_offset())
    }

    /// First and last offset of each aborted transaction.
    pub(super) fn aborted(&self, topic: &str, index: i32) -> Vec<(i64, i64)> {
        self.partition(topic, index).view(|view| {
            view.aborted
                .iter()
                .map(|aborted| (aborted.first_offset, aborted.last_offset))
                .collect()
        })
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

/// Waits until something is so, for at most ten seconds.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "not {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn source() -> TopicPartition {
    TopicPartition {
        topic: Arc::from("orders"),
        partition: 0,
    }
}

fn committed(offset: i64) -> CommittedOffset {
    CommittedOffset {
        offset,
        leader_epoch: -1,
        metadata: String::new(),
        timestamp: 1,
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("list files") {
        let entry = entry.expect("a file");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copy a file");
    }
}

/// One record's worth of batch; nobody reads what would follow the header.
pub(super) fn transactional(who: Identity, sequence: i32) -> ValidBatch {
    let mut bytes = bytes::BytesMut::new();
    bytes.put_i64(0);
    bytes.put_i32(61 - 12);
    bytes.put_i32(0);
    bytes.put_i8(2);
    bytes.put_u32(0);
    bytes.put_i16(0x10);
    bytes.put_i32(0);
    bytes.put_i64(1);
    bytes.put_i64(1);
    bytes.put_i64(who.producer_id);
    bytes.put_i16(who.epoch);
    bytes.put_i32(sequence);
    bytes.put_i32(1);
    let header = BatchHeader::read(&bytes).expect("a header");
    ValidBatch { header, bytes }
}
