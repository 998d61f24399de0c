//! Cleaning on both kinds of store.

use std::sync::Arc;

use super::partition::{Known, Store};
use crate::clock::now_ms;
use crate::configs::Overrides;
use crate::log::{Partition, Topic};
use crate::records::build::Batch;
use crate::records::{BatchHeader, Rules, validate};
use crate::store::{Opened, StoreOptions, open};

fn opened(directory: Option<&std::path::Path>) -> Opened {
    let options = StoreOptions {
        data_dir: directory.map(Into::into),
        sync_to_disk: false,
        memory_limit: 1 << 20,
    };
    open(&options).expect("opens")
}

fn store(opened: &Opened) -> Store {
    Store {
        reader: opened.reader.clone(),
        writer: opened.writer.clone(),
    }
}

async fn topic(opened: &Opened, settings: &[(&str, &str)]) -> Arc<Topic> {
    let pairs = settings.iter();
    let overrides: Overrides = pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let made = opened.writer.create_topic("topic", 1, overrides).await;
    made.expect("made")
}

async fn append(opened: &Opened, topic: &Topic, batch: Batch) {
    let partition = topic.partition(0).expect("a partition");
    let rules = Rules::of(&topic.config(), 11);
    let valid = validate(&batch.bytes(), &rules).expect("valid");
    let appending = opened.writer.append(vec![(partition, valid)]).await;
    for result in appending.expect("runs").done().await.expect("runs") {
        result.expect("appended");
    }
}

fn at(base_timestamp: i64) -> Batch {
    Batch {
        base_timestamp,
        ..Batch::default()
    }
}

/// Base offset and count of every batch, and where log begins and ends.
async fn look(opened: &Opened, partition: &Partition) -> (Vec<(i64, i32)>, i64, i64) {
    let (start, end) = partition.view(|view| (view.log_start, view.high_watermark));
    let read = partition.read(&opened.reader, start, end, usize::MAX, true);
    let batches = read.await.expect("readable");
    let headers = batches.iter().filter_map(|batch| BatchHeader::read(batch));
    let found = headers.map(|header| (header.base_offset, header.count));
    (found.collect(), start, end)
}

async fn stop(opened: Opened) {
    opened.writer.stop().await;
    tokio::task::spawn_blocking(|| opened.thread.join())
        .await
        .expect("joins")
        .expect("ends");
}

async fn both(test: impl AsyncFn(Option<&std::path::Path>)) {
    test(None).await;
    let directory = tempfile::tempdir().expect("a directory");
    test(Some(directory.path())).await;
}

#[tokio::test]
async fn old_records_go_and_numbers_go_on() {
    both(async |directory| {
        let opened = opened(directory);
        let topic = topic(&opened, &[("retention.ms", "60000")]).await;
        let partition = topic.partition(0).expect("a partition");
        let now = now_ms();
        for age in [120_000, 90_000, 30_000] {
            append(&opened, &topic, at(now - age).with(None, Some("x"))).await;
        }
        let mut known = Known::default();
        let clean = async |known: &mut Known, now| {
            let config = topic.config();
            let cleaned = known.clean(&store(&opened), &partition, &config, now).await;
            cleaned.expect("cleans");
        };
        clean(&mut known, now).await;
        assert_eq!(look(&opened, &partition).await, (vec![(2, 1)], 2, 3));
        // Nothing came and nothing is due; then it is.
        clean(&mut known, now + 29_000).await;
        assert_eq!(look(&opened, &partition).await.1, 2);
        clean(&mut known, now + 31_000).await;
        assert_eq!(look(&opened, &partition).await, (vec![], 3, 3));
        append(&opened, &topic, at(now).with(None, Some("x"))).await;
        assert_eq!(look(&opened, &partition).await, (vec![(3, 1)], 3, 4));
        stop(opened).await;
    })
    .await;
}

#[tokio::test]
async fn compaction_survives_a_restart_and_gives_no_number_twice() {
    both(async |directory| {
        let first = opened(directory);
        let settings = [
            ("cleanup.policy", "compact"),
            ("delete.retention.ms", "0"),
            ("min.cleanable.dirty.ratio", "0"),
        ];
        let topic = topic(&first, &settings).await;
        let partition = topic.partition(0).expect("a partition");
        for (key, value) in [("a", Some("1")), ("b", Some("1")), ("a", None)] {
            append(&first, &topic, at(1_000).with(Some(key), value)).await;
        }
        let mut known = Known::default();
        for later in 0..3 {
            let config = topic.config();
            let now = now_ms() + later;
            let cleaned = known.clean(&store(&first), &partition, &config, now).await;
            cleaned.expect("cleans");
        }
        // The tombstone at the very end is gone, its number is not.
        assert_eq!(look(&first, &partition).await, (vec![(1, 1)], 0, 3));
        let Some(directory) = directory else {
            stop(first).await;
            return;
        };
        drop((topic, partition));
        stop(first).await;
        let second = opened(Some(directory));
        let topic = second.catalogue.topic("topic").expect("still there");
        let partition = topic.partition(0).expect("a partition");
        append(&second, &topic, at(1_000).with(Some("c"), Some("1"))).await;
        assert_eq!(
            look(&second, &partition).await,
            (vec![(1, 1), (3, 1)], 0, 4)
        );
        stop(second).await;
    })
    .await;
}
