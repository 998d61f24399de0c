use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::now_ms;
use crate::groups::{CommittedOffset, TopicPartition};
use crate::records::build::Batch;
use crate::records::{Rules, validate};
use crate::store::{Change, Changes, StoreOptions, open};

#[tokio::test]
async fn a_repeated_batch_is_answered_with_the_time_it_was_appended_at() {
    let opened = open(&StoreOptions {
        data_dir: None,
        sync_to_disk: false,
        memory_limit: 1 << 20,
    })
    .expect("opens");
    let settings = [("message.timestamp.type".into(), "LogAppendTime".into())];
    let made = opened.writer.create_topic("topic", 1, settings.into());
    let topic = made.await.expect("made");
    let partition = topic.partition(0).expect("a partition");
    let batch = Batch {
        producer: Some((7, 0, 0)),
        ..Batch::default()
    };
    let batch = batch.with(None, Some("a")).bytes();
    let mut times = Vec::new();
    for _ in 0..2 {
        let valid = validate(&batch, &Rules::of(&topic.config(), 11)).expect("valid");
        let appending = opened.writer.append(vec![(Arc::clone(&partition), valid)]);
        for result in appending.await.expect("runs").done().await.expect("runs") {
            let time = result.expect("appended").log_append_time;
            times.push(time);
            while now_ms() <= time {
                std::thread::yield_now();
            }
        }
    }
    assert!(times[0] > 0);
    assert_eq!(times[0], times[1]);
    opened.writer.stop().await;
}

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

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_leave_the_disk_under_load_too() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let directory = tempfile::tempdir().expect("a directory");
    let opened = open(&StoreOptions {
        data_dir: Some(directory.path().into()),
        sync_to_disk: false,
        memory_limit: 0,
    })
    .expect("opens");
    let topic = opened.writer.create_topic("topic", 100, Default::default());
    let topic = topic.await.expect("made");
    let valid = || {
        let bytes = Batch::default().with(None, Some("a")).bytes();
        validate(&bytes, &Rules::of(&topic.config(), 11)).expect("valid")
    };
    let trimmed = topic.partition(0).expect("a partition");
    for _ in 0..200 {
        let appending = opened.writer.append(vec![(Arc::clone(&trimmed), valid())]);
        appending.await.expect("runs").done().await.expect("runs");
    }

    // Nobody waits for an answer to these, and they take longer to do than to
    // send, so that the queue is never empty.
    let flood = async {
        loop {
            opened.writer.forget_producers(0).await;
            tokio::task::consume_budget().await;
        }
    };
    let swept = async {
        opened
            .writer
            .trim(Arc::clone(&trimmed), 200)
            .await
            .expect("trimmed");
        let begun = Instant::now();
        while !opened
            .reader
            .infos(trimmed.id, 0, 1)
            .await
            .expect("read")
            .is_empty()
        {
            assert!(begun.elapsed() < PATIENCE, "they are still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = swept => {}
        () = flood => {}
    }
    opened.writer.stop().await;
}

#[tokio::test]
async fn an_offset_outlasts_one_that_became_pending_just_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let open_again = || {
        open(&StoreOptions {
            data_dir: Some(directory.path().into()),
            sync_to_disk: false,
            memory_limit: 1 << 20,
        })
        .expect("opens")
    };
    let group: Arc<str> = Arc::from("billing");
    let at = TopicPartition {
        topic: Arc::from("orders"),
        partition: 0,
    };
    let offsets = |offset| {
        let committed = CommittedOffset {
            offset,
            leader_epoch: -1,
            metadata: String::new(),
            timestamp: 0,
        };
        vec![(at.clone(), committed)]
    };
    // Together, so that neither is published when the other is stored.
    let changes = Changes::new()
        .with(Change::PendingOffsets {
            producer_id: 7,
            group: Arc::clone(&group),
            offsets: offsets(7),
        })
        .with(Change::Offsets {
            group: Arc::clone(&group),
            offsets: offsets(3),
        });
    let opened = open_again();
    opened.writer.apply(changes).await.expect("stored");
    let in_memory = opened.offsets.group(&group, |of| of.cloned());
    opened.writer.stop().await;
    opened.thread.join().expect("ends");

    let opened = open_again();
    let on_disk = opened.offsets.group(&group, |of| of.cloned());
    for (place, found) in [("memory", in_memory), ("disk", on_disk)] {
        let found = found.expect("offsets");
        assert_eq!(found.committed[&at].offset, 3, "{place}");
        assert_eq!(found.pending[&7][&at].offset, 3, "{place}");
    }
    opened.writer.stop().await;
}
