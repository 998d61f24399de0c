//! Reading only what is committed.

use std::time::{Duration, Instant};

use kafka_integration_tests::raw::ReadBatch;
use kafka_protocol::messages::fetch_response::PartitionData;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{batches, fetch, fetched};

cases!(
    overlapping_aborted_transactions_are_told_from_every_offset,
    nothing_comes_from_an_open_transaction_on,
    a_commit_wakes_a_waiting_fetch,
    bytes_behind_an_open_transaction_do_not_count,
    without_aborted_transactions_the_list_is_empty,
    the_end_for_a_committed_reader_is_the_stable_offset,
);

/// What a client shows of an answer: data records from the offset on, those of
/// aborted transactions left out by Kafka's own rule.
fn shown(data: &PartitionData, from: i64) -> Vec<String> {
    let mut aborted = data.aborted_transactions.clone().expect("a list");
    aborted.sort_by_key(|transaction| transaction.first_offset);
    let mut aborted = aborted.into_iter().peekable();
    let mut hidden = Vec::new();
    let mut shown = Vec::new();
    for batch in batches(data) {
        while let Some(next) = aborted.next_if(|next| next.first_offset <= batch.last_offset()) {
            hidden.push(next.producer_id.0);
        }
        if let Some(marker) = batch.marker {
            if !marker.commit {
                hidden.retain(|id| *id != batch.producer_id);
            }
        } else if batch.attributes & 0x10 == 0 || !hidden.contains(&batch.producer_id) {
            let records = batch.records.iter().zip(batch.values());
            let records = records.filter(|(record, _)| record.offset >= from);
            shown.extend(records.map(|(_, value)| value));
        }
    }
    shown
}

async fn overlapping_aborted_transactions_are_told_from_every_offset(target: &Target) {
    let topic = target.topic("overlapping").await;
    let mut one = target.transactional("overlapping-1").await;
    let mut two = target.transactional("overlapping-2").await;
    let mut three = target.transactional("overlapping-3").await;

    assert_eq!(target.append(&topic, 0, ["plain"]).await, 0);
    assert_eq!(one.append(&topic, &["bad-1a"]).await, 1);
    assert_eq!(two.append(&topic, &["bad-2a", "bad-2b"]).await, 2);
    assert_eq!(three.append(&topic, &["good-3a"]).await, 4);
    assert_eq!(one.append(&topic, &["bad-1b"]).await, 5);
    one.end(target, false, &[&topic]).await; // 6
    assert_eq!(one.append(&topic, &["good-1c"]).await, 7);
    three.end(target, true, &[&topic]).await; // 8
    assert_eq!(two.append(&topic, &["bad-2c"]).await, 9);
    one.end(target, true, &[&topic]).await; // 10
    two.end(target, false, &[&topic]).await; // 11
    assert_eq!(three.append(&topic, &["bad-3b"]).await, 12);
    three.end(target, false, &[&topic]).await; // 13
    assert_eq!(target.append(&topic, 0, ["last"]).await, 14);

    let good = [(0, "plain"), (4, "good-3a"), (7, "good-1c"), (14, "last")];
    // Producer, first offset and the marker of each aborted transaction.
    let aborted = [(one.id, 1, 6), (two.id, 2, 11), (three.id, 12, 13)];
    for from in 0..15 {
        let data = target.fetch_committed(&topic, from).await;
        let expected = good.iter().filter(|(offset, _)| *offset >= from);
        let expected: Vec<_> = expected.map(|(_, value)| *value).collect();
        assert_eq!(shown(&data, from), expected, "from {from}");
        let told = data.aborted_transactions.expect("a list");
        let mut told: Vec<_> = told
            .iter()
            .map(|transaction| (transaction.producer_id.0, transaction.first_offset))
            .collect();
        told.sort_by_key(|(_, first)| *first);
        let expected = aborted.iter().filter(|(_, _, marker)| *marker >= from);
        let expected: Vec<_> = expected.map(|(id, first, _)| (*id, *first)).collect();
        assert_eq!(told, expected, "from {from}");
    }
    let markers: Vec<_> = batches(&target.fetch(&topic, 0, 0).await)
        .iter()
        .filter_map(|batch: &ReadBatch| Some((batch.base_offset, batch.marker?.commit)))
        .collect();
    let expected = [(6, false), (8, true), (10, true), (11, false), (13, false)];
    assert_eq!(markers, expected);
}

async fn nothing_comes_from_an_open_transaction_on(target: &Target) {
    let topic = target.topic("open").await;
    let mut producer = target.transactional("open").await;
    target.append(&topic, 0, ["before"]).await;
    producer.append(&topic, &["open"]).await;
    target.append(&topic, 0, ["after"]).await;
    let data = target.fetch_committed(&topic, 0).await;
    assert_eq!(shown(&data, 0), ["before"]);
    assert_eq!((data.high_watermark, data.last_stable_offset), (3, 1));
    for offset in 1..=3 {
        let data = target.fetch_committed(&topic, offset).await;
        assert_eq!((data.error_code, shown(&data, offset)), (NONE, vec![]));
    }
    let data = target.fetch_committed(&topic, 4).await;
    assert_eq!(data.error_code, OFFSET_OUT_OF_RANGE);
    producer.end(target, true, &[&topic]).await;
    let data = target.fetch_committed(&topic, 0).await;
    assert_eq!(shown(&data, 0), ["before", "open", "after"]);
    assert_eq!((data.high_watermark, data.last_stable_offset), (4, 4));
}

async fn a_commit_wakes_a_waiting_fetch(target: &Target) {
    let topic = target.topic("commit-wakes").await;
    for commit in [true, false] {
        let mut producer = target.transactional("commit-wakes").await;
        let offset = producer.append(&topic, &["a"]).await;
        let mut reader = target.connect().await;
        let request = fetch(12, [(&topic, 0, offset)])
            .with_isolation_level(1)
            .with_max_wait_ms(15_000);
        let ticket = reader.send(12, request).await;
        assert!(reader.silent_for(Duration::from_millis(200)).await);
        let began = Instant::now();
        producer.end(target, commit, &[&topic]).await;
        let data = fetched(reader.answer(ticket).await);
        assert!(began.elapsed() < Duration::from_secs(5));
        let expected: &[&str] = if commit { &["a"] } else { &[] };
        assert_eq!(shown(&data, offset), expected);
    }
}

async fn bytes_behind_an_open_transaction_do_not_count(target: &Target) {
    let topic = target.topic("behind").await;
    let mut producer = target.transactional("behind").await;
    producer.append(&topic, &["a"]).await;
    let mut reader = target.connect().await;
    let request = fetch(12, [(&topic, 0, 0)])
        .with_isolation_level(1)
        .with_max_wait_ms(15_000);
    let ticket = reader.send(12, request).await;
    target.append(&topic, 0, ["after"]).await;
    assert!(reader.silent_for(Duration::from_millis(300)).await);
    producer.end(target, true, &[&topic]).await;
    let data = fetched(reader.answer(ticket).await);
    assert_eq!(shown(&data, 0), ["a", "after"]);
}

async fn without_aborted_transactions_the_list_is_empty(target: &Target) {
    let topic = target.topic("no-aborted").await;
    target.append(&topic, 0, ["a"]).await;
    let data = target.fetch_committed(&topic, 0).await;
    assert_eq!(data.aborted_transactions, Some(Vec::new()));
    let data = target.fetch(&topic, 0, 0).await;
    assert_eq!(data.aborted_transactions, None);
}

async fn the_end_for_a_committed_reader_is_the_stable_offset(target: &Target) {
    use crate::support::log::{list_offsets, listed};

    let topic = target.topic("stable-end").await;
    let mut producer = target.transactional("stable-end").await;
    target.append(&topic, 0, ["before"]).await;
    producer.append(&topic, &["open"]).await;
    let committed = list_offsets(&topic, 0, -1).with_isolation_level(1);
    let answer = listed(target.call(9, committed.clone()).await);
    assert_eq!(answer.offset, 1);
    assert_eq!(target.list_offset(&topic, 0, -1).await.offset, 2);
    producer.end(target, false, &[&topic]).await;
    assert_eq!(listed(target.call(9, committed).await).offset, 3);
}
