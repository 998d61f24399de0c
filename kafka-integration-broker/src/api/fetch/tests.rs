use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};

use super::*;
use crate::EmbeddedBroker;
use crate::core::Ahead;
use crate::records::build::Batch;
use crate::records::{Rules, validate};
use crate::store::{Change, Changes, Marker};

const PRODUCER: i64 = 7;
const TRANSACTIONAL: i16 = 0x10;

fn asked(offset: i64) -> Asked {
    Asked {
        key: Key {
            topic: Default::default(),
            topic_id: Default::default(),
            partition: 0,
        },
        offset,
        max_bytes: i32::MAX,
        leader_epoch: -1,
    }
}

/// A transaction of two records that was aborted, and read from the disk while
/// its records are deleted: after they were found, but before the list of
/// aborted transactions is made.
#[test]
fn a_reader_of_committed_records_sees_no_aborted_ones_while_they_are_deleted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build();
    runtime.expect("a runtime").block_on(read_while_deleting());
}

async fn read_while_deleting() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = EmbeddedBroker::builder()
        .data_dir(&directory)
        .memory_limit(0);
    let broker = builder.start().await.expect("starts");
    let core = broker.core();
    let topic = core.writer.create_topic("topic", 1, Default::default());
    let topic = topic.await.expect("made");
    let partition = topic.partition(0).expect("a partition");

    let enter = Change::EnterTransaction {
        partition: Arc::clone(&partition),
        producer_id: PRODUCER,
        epoch: 0,
        from_zero: true,
    };
    let entered = core.writer.apply(Changes::new().with(enter)).await;
    entered.expect("stored");
    let batch = Batch {
        attributes: TRANSACTIONAL,
        producer: Some((PRODUCER, 0, 0)),
        ..Batch::default()
    };
    let batch = batch.with(None, Some("a")).with(None, Some("b")).bytes();
    let valid = validate(&batch, &Rules::of(&topic.config(), 11)).expect("valid");
    let appending = core.writer.append(vec![(Arc::clone(&partition), valid)]);
    let appended = appending.await.expect("runs").done().await.expect("runs");
    assert!(appended.iter().all(Result::is_ok));
    let marker = Change::Marker(Marker {
        partition: Arc::clone(&partition),
        producer_id: PRODUCER,
        epoch: 0,
        commit: false,
        coordinator_epoch: 0,
    });
    let marked = core.writer.apply(Changes::new().with(marker)).await;
    marked.expect("stored");

    let cx = RequestContext {
        core: Arc::clone(&core),
        version: 12,
        client_id: Default::default(),
        peer: broker.address(),
        connection: 0,
        ahead: Ahead::default(),
        share: Default::default(),
    };
    let reading = Arc::clone(&partition);
    // Keeps the thread for disks busy until the fetch waits for it.
    let (go, gone) = mpsc::channel::<()>();
    let busy = tokio::task::spawn_blocking(move || gone.recv());
    let fetch =
        tokio::spawn(async move { read(&cx, &asked(0), &reading, true, 1 << 20, true).await });
    // It is about to read from the disk, on the other thread; and this thread,
    // the only one that could go on with it, comes between.
    tokio::task::yield_now().await;
    drop((go, busy));
    thread::sleep(Duration::from_millis(300));
    let (writer, trimmed) = (core.writer.clone(), Arc::clone(&partition));
    let trim = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime
            .expect("a runtime")
            .block_on(writer.trim(trimmed, 3))
    });
    assert_eq!(trim.join().expect("ends").expect("trimmed"), 3);

    let found = fetch.await.expect("ends");
    match found {
        Err(error) => assert_eq!(error, ResponseError::OffsetOutOfRange),
        Ok(data) => {
            let aborted = data.aborted.unwrap_or_default();
            assert!(
                data.batches.is_empty() || aborted.iter().any(|one| one.producer_id.0 == PRODUCER),
                "aborted records would be taken for committed ones"
            );
        }
    }
    broker.stop().await;
}

#[test]
fn no_answer_is_waited_for_that_would_be_too_large() {
    let request = FetchRequest::default()
        .with_min_bytes(2_000)
        .with_max_bytes(1_000);
    assert_eq!(Limits::of(&request).min_bytes, 1_000);
}

/// All answers together hold a bounded part of the memory, however slowly they
/// are taken.
#[tokio::test]
async fn without_room_for_its_answer_a_fetch_waits_and_is_answered_modestly() {
    const ALL: usize = 256 << 20;
    let broker = EmbeddedBroker::builder().start().await.expect("starts");
    let core = broker.core();
    let topic = core.writer.create_topic("topic", 1, Default::default());
    let topic = topic.await.expect("made");
    let partition = topic.partition(0).expect("a partition");
    let value = "a".repeat(700_000);
    for _ in 0..3 {
        let batch = Batch::default().with(None, Some(&value)).bytes();
        let valid = validate(&batch, &Rules::of(&topic.config(), 11)).expect("valid");
        let appending = core.writer.append(vec![(Arc::clone(&partition), valid)]);
        appending.await.expect("runs").done().await.expect("runs");
    }
    let cx = RequestContext {
        core: Arc::clone(&core),
        version: 4,
        client_id: Default::default(),
        peer: broker.address(),
        connection: 0,
        ahead: Ahead::default(),
        share: Default::default(),
    };
    let request = FetchRequest::default()
        .with_max_bytes(i32::MAX)
        .with_topics(vec![
            FetchTopic::default()
                .with_topic(TopicName("topic".into()))
                .with_partitions(vec![
                    FetchPartition::default().with_partition_max_bytes(i32::MAX),
                ]),
        ]);
    let taken = |answer: &FetchResponse| {
        let records = answer.responses[0].partitions[0].records.as_ref();
        records.map_or(0, Bytes::len)
    };
    let alone = handle(&cx, request.clone()).await.expect("answered");
    assert!(taken(&alone) > 2_100_000);
    drop(cx.share);

    let cx = RequestContext {
        share: Default::default(),
        ..cx
    };
    let others = core.budget.try_answer(ALL).expect("there is room");
    let mut fetch = Box::pin(handle(&cx, request));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut fetch).await;
    assert!(early.is_err(), "answered without room");
    drop(others);
    let modest = fetch.await.expect("answered");
    assert!((700_000..=1 << 20).contains(&taken(&modest)));
    broker.stop().await;
}
