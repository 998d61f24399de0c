use std::sync::Arc;

use crate::groups::{CommittedOffset, TopicPartition};
use crate::store::{Change, Changes, StoreOptions, open};

#[tokio::test]
async fn sqlites_log_is_begun_anew_when_only_offsets_are_written() {
    const COMMITS: u32 = 800;
    // Each commit takes a little more than this of the log.
    const METADATA: usize = 256 << 10;
    const ALLOWED: u64 = 160 << 20;
    let directory = tempfile::tempdir().expect("a directory");
    let opened = open(&StoreOptions {
        data_dir: Some(directory.path().into()),
        sync_to_disk: false,
        memory_limit: 1 << 20,
    })
    .expect("opens");
    // Each differs from the one before, or SQLite would not write it.
    let letters = ('a'..='z').cycle();
    let at = TopicPartition {
        topic: Arc::from("orders"),
        partition: 0,
    };
    for (offset, letter) in (0..COMMITS).zip(letters) {
        let committed = CommittedOffset {
            offset: offset.into(),
            leader_epoch: -1,
            metadata: letter.to_string().repeat(METADATA),
            timestamp: 0,
        };
        let changes = Changes::new().with(Change::Offsets {
            group: Arc::from("billing"),
            offsets: vec![(at.clone(), committed)],
        });
        opened.writer.apply(changes).await.expect("stored");
    }
    let log = std::fs::metadata(directory.path().join("broker.db-wal")).expect("the log");
    assert!(log.len() < ALLOWED, "{} bytes", log.len());
    opened.writer.stop().await;
}
