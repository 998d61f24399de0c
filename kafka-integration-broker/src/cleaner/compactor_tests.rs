use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use proptest::prelude::*;
use rustc_hash::FxHashMap;

use super::compactor::{Compactor, Fate, LastBatch, producers};
use crate::log::{AbortedTransaction, AppendState};
use crate::records::build::{Batch, Given};
use crate::records::{BatchHeader, Codec, control_batch, visit_records};

const RETENTION: i64 = 1_000;

/// A record as readers see it: key, value as is to be read, timestamp.
type Seen = (Option<Vec<u8>>, bool, i64);

fn records(batches: &[Bytes]) -> BTreeMap<i64, Seen> {
    let mut found = BTreeMap::new();
    for batch in batches {
        let header = BatchHeader::read(batch).expect("a header");
        assert_eq!(crc32c::crc32c(&batch[21..]), header.crc);
        let mut count = 0;
        visit_records(&header, batch, |record| {
            let key = record.key.map(<[u8]>::to_vec);
            let info = record.info;
            found.insert(info.offset, (key, info.has_value, info.timestamp));
            count += 1;
            ControlFlow::Continue(())
        })
        .expect("readable");
        assert_eq!(count, header.count);
    }
    found
}

/// One round over `log`; returns what is left of it.
fn round(log: &[Bytes], learned: usize, mut compactor: Compactor) -> Vec<Bytes> {
    for batch in &log[learned..] {
        assert!(compactor.learn(batch));
    }
    let mut left = Vec::new();
    for batch in log {
        match compactor.decide(batch) {
            Fate::Stays => left.push(batch.clone()),
            Fate::Changes(new) => {
                let (before, after) = (BatchHeader::read(batch), BatchHeader::read(&new.bytes));
                let (before, after) = (before.expect("one"), after.expect("one"));
                assert_eq!(before.base_offset, after.base_offset);
                assert_eq!(before.last_offset(), after.last_offset());
                assert_eq!(new.last_offset, after.last_offset());
                assert_eq!(new.max_timestamp, after.max_timestamp);
                assert_eq!(new.bytes.len(), after.length as usize + 12);
                left.push(new.bytes);
            }
            Fate::Goes => {}
        }
    }
    left
}

fn compactor(now: i64) -> Compactor {
    Compactor::new(&[], FxHashMap::default(), RETENTION, now)
}

fn keys(log: &[Bytes]) -> Vec<(i64, String)> {
    let text = |key: Option<Vec<u8>>| String::from_utf8(key.unwrap_or_default());
    records(log)
        .into_iter()
        .map(|(offset, (key, _, _))| (offset, text(key).expect("text")))
        .collect()
}

fn pairs(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    let owned = expected.iter();
    owned.map(|(at, key)| (*at, (*key).to_owned())).collect()
}

#[test]
fn the_newest_of_each_key_stays_where_it_was() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Zstd] {
        let one = Batch {
            codec,
            ..Batch::default()
        }
        .with(Some("a"), Some("1"))
        .with(Some("b"), Some("1"));
        let two = Batch {
            base_offset: 2,
            ..Batch::default()
        }
        .with(Some("a"), Some("2"))
        .with(None, Some("no key"));
        let left = round(&[one.bytes(), two.bytes()], 0, compactor(0));
        assert_eq!(keys(&left), pairs(&[(1, "b"), (2, "a")]), "{codec:?}");
        let header = BatchHeader::read(&left[0]).expect("a header");
        assert_eq!(header.compression(), codec as i16);
        assert_eq!((header.max_timestamp, header.count), (1_001, 1));
    }
}

#[test]
fn a_batch_of_which_nothing_is_left_goes() {
    let one = Batch::default().with(Some("a"), Some("1"));
    let two = Batch {
        base_offset: 1,
        ..Batch::default()
    }
    .with(Some("a"), Some("2"));
    let left = round(&[one.bytes(), two.bytes()], 0, compactor(0));
    assert_eq!(left, [two.bytes()]);
}

#[test]
fn a_tombstone_stays_for_its_time() {
    let log = [Batch::default()
        .with(Some("a"), Some("1"))
        .with(Some("a"), None)
        .with(Some("b"), Some("1"))
        .bytes()];
    let mut first = compactor(5_000);
    first.learn(&log[0]);
    let Fate::Changes(batch) = first.decide(&log[0]) else {
        panic!("the batch changes");
    };
    assert_eq!(first.due(), Some(6_000));
    let log = [batch.bytes];
    // The horizon takes the base timestamp's place; records keep their times.
    let times: Vec<i64> = records(&log).into_values().map(|seen| seen.2).collect();
    assert_eq!(times, [1_001, 1_002]);
    let left = round(&log, 0, compactor(5_999));
    assert_eq!(keys(&left), pairs(&[(1, "a"), (2, "b")]));
    assert_eq!(left, log);
    let left = round(&left, 1, compactor(6_000));
    assert_eq!(keys(&left), pairs(&[(2, "b")]));
    assert_eq!(records(&left)[&2].2, 1_002);
}

#[test]
fn a_producers_last_batch_stays_without_its_records() {
    let one = Batch {
        producer: Some((7, 3, 41)),
        codec: Codec::Lz4,
        ..Batch::default()
    }
    .with(Some("a"), Some("1"));
    let two = Batch {
        base_offset: 1,
        ..Batch::default()
    }
    .with(Some("a"), Some("2"));
    let mut state = AppendState::default();
    let header = BatchHeader::read(&one.bytes()).expect("a header");
    state.appended(&header, 0, 0);
    let known = producers(&state);
    let make = |known: &FxHashMap<i64, LastBatch>| Compactor::new(&[], known.clone(), RETENTION, 0);
    let left = round(&[one.bytes(), two.bytes()], 0, make(&known));
    let empty = BatchHeader::read(&left[0]).expect("a header");
    assert_eq!((left.len(), empty.count, left[0].len()), (2, 0, 61));
    assert_eq!((empty.producer_id, empty.producer_epoch), (7, 3));
    assert_eq!(empty.base_sequence, 41);
    assert_eq!(round(&left, 2, make(&known)), left);
    assert_eq!(round(&left, 2, compactor(0)), [two.bytes()]);
}

/// A transaction of producer 7 at 0 and 1, its marker at 2, something after.
fn transaction(commit: bool) -> [Bytes; 3] {
    let data = Batch {
        producer: Some((7, 0, 0)),
        attributes: 0x10,
        ..Batch::default()
    }
    .with(Some("a"), Some("1"))
    .with(Some("b"), Some("1"));
    let mut marker = control_batch(7, 0, commit, 0, 1_000);
    BatchHeader::place(&mut marker, 2, 0);
    let after = Batch {
        base_offset: 3,
        ..Batch::default()
    };
    let after = after.with(Some("c"), Some("1")).with(Some("b"), Some("2"));
    [data.bytes(), marker.freeze(), after.bytes()]
}

#[test]
fn aborted_records_go_and_hide_nothing() {
    let aborted = [AbortedTransaction {
        producer_id: 7,
        first_offset: 0,
        last_offset: 2,
    }];
    let make = |now| Compactor::new(&aborted, FxHashMap::default(), RETENTION, now);
    let mut log = transaction(false).to_vec();
    // What was aborted must not be taken for the newest of its key.
    let first = Batch {
        base_offset: -1,
        ..Batch::default()
    };
    log.insert(0, first.with(Some("a"), Some("0")).bytes());
    let left = round(&log, 0, make(0));
    assert_eq!(keys(&left)[..1], pairs(&[(-1, "a")]));
    assert!(!records(&left).contains_key(&0));
    // The marker stays a round longer than its records, and then its time.
    assert_eq!(left.len(), 3);
    let dated = round(&left, 3, make(0));
    assert_eq!(dated.len(), 3);
    assert_eq!(round(&dated, 3, make(RETENTION - 1)).len(), 3);
    assert_eq!(round(&dated, 3, make(RETENTION)).len(), 2);
}

#[test]
fn a_marker_stays_while_a_record_of_its_transaction_does() {
    let mut log = transaction(true).to_vec();
    for now in [0, 10 * RETENTION, 20 * RETENTION] {
        log = round(&log, 0, compactor(now));
        assert_eq!(log.len(), 3);
    }
    assert_eq!(records(&log).len(), 4);
    assert!(!records(&log).contains_key(&1));
}

/// Batches of records with few keys, so that most have a newer one.
fn some_log() -> impl Strategy<Value = Vec<Bytes>> {
    let record = (
        0u8..6,
        proptest::option::weighted(0.8, any::<u8>()),
        0i64..50,
    );
    let codec = proptest::sample::select(vec![
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ]);
    let batch = (proptest::collection::vec(record, 1..6), codec);
    proptest::collection::vec(batch, 1..12).prop_map(|batches| {
        let mut next = 0;
        let mut log = Vec::new();
        for (records, codec) in batches {
            let given = records.into_iter().zip(0..);
            let records: Vec<Given> = given
                .map(|((key, value, timestamp_delta), offset_delta)| Given {
                    offset_delta,
                    timestamp_delta,
                    key: Some(vec![key]),
                    value: value.map(|value| vec![value]),
                    headers: vec![(b"h".to_vec(), None)],
                })
                .collect();
            let base_offset = next;
            next += records.len() as i64;
            let batch = Batch {
                base_offset,
                codec,
                records,
                ..Batch::default()
            };
            log.push(batch.bytes());
        }
        log
    })
}

proptest! {
    #[test]
    fn the_newest_value_of_a_key_is_never_lost(
        log in some_log(),
        rounds in proptest::collection::vec((0usize..12, 0i64..3_000), 1..5),
    ) {
        let before = records(&log);
        let mut newest: BTreeMap<Vec<u8>, (i64, bool)> = BTreeMap::new();
        for (offset, (key, has_value, _)) in &before {
            newest.insert(key.clone().expect("a key"), (*offset, *has_value));
        }
        let mut log = log;
        let (mut now, mut learned) = (0, 0);
        for (upto, later) in rounds {
            now += later;
            // Only the first so many batches are old enough.
            let upto = upto.max(learned).min(log.len());
            let tail = log.split_off(upto);
            let count = log.len();
            log = round(&log, learned.min(count), compactor(now));
            learned = log.len();
            log.extend(tail);
            let after = records(&log);
            for (offset, seen) in &after {
                prop_assert_eq!(before.get(offset), Some(seen));
            }
            for (offset, has_value) in newest.values() {
                if *has_value {
                    prop_assert!(after.contains_key(offset));
                }
            }
        }
        // When all was learned, nothing older is left.
        let left = round(&log, 0, compactor(now));
        for (offset, (key, _, _)) in records(&left) {
            prop_assert_eq!(offset, newest[&key.expect("a key")].0);
        }
    }
}
