use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use proptest::prelude::*;

use super::build::{Batch, Given, seal};
use super::{Codec, RecordsError, Rules, ValidBatch, validate, validate_aside};
use crate::clock::now_ms;
use crate::configs::{BrokerConfig, TopicConfig};

const COMPRESSED: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

fn rules(overrides: &[(&str, &str)]) -> Rules {
    let overrides: BTreeMap<String, String> = overrides
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Rules::of(
        &TopicConfig::resolve(overrides, &BrokerConfig::default()),
        11,
    )
}

fn plain(codec: Codec) -> Batch {
    Batch {
        codec,
        ..Batch::default()
    }
    .with(Some("a"), Some("1"))
    .with(Some("b"), None)
    .with(None, Some("3"))
}

fn code(result: Result<ValidBatch, RecordsError>) -> ResponseError {
    result.expect_err("refused").code()
}

/// `batch` with a change, its checksum right again.
fn changed(batch: &Batch, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = batch.bytes().to_vec();
    change(&mut bytes);
    seal(&mut bytes);
    bytes.into()
}

#[test]
fn a_good_batch_is_taken_as_it_is() {
    for codec in [Codec::None].into_iter().chain(COMPRESSED) {
        let bytes = plain(codec).bytes();
        let valid = validate(&bytes, &rules(&[])).expect("taken");
        assert_eq!(valid.bytes, bytes, "{codec:?}");
        assert_eq!(valid.header.max_timestamp, 1_002);
    }
}

#[tokio::test]
async fn large_batches_are_checked_the_same() {
    // Too irregular to become small.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    let large = Batch {
        codec: Codec::Zstd,
        records: vec![Given {
            value: Some(noise.take(100_000).collect()),
            ..Given::default()
        }],
        ..Batch::default()
    };
    let bytes = large.bytes();
    assert!(bytes.len() > 16 * 1024);
    let valid = validate_aside(bytes.clone(), rules(&[])).await;
    assert_eq!(valid.expect("taken").bytes, bytes);
    let compacted = rules(&[("cleanup.policy", "compact")]);
    let refused = code(validate_aside(bytes, compacted).await);
    assert_eq!(refused, ResponseError::InvalidRecord);
}

#[test]
fn a_topic_may_name_its_own_compression() {
    for from in [Codec::None, Codec::Gzip, Codec::Zstd] {
        for (name, to) in [("uncompressed", Codec::None), ("lz4", Codec::Lz4)] {
            let bytes = plain(from).bytes();
            let valid = validate(&bytes, &rules(&[("compression.type", name)])).expect("taken");
            assert_eq!(valid.bytes, plain(to).bytes(), "{from:?} {name}");
            let header = super::BatchHeader::read(&valid.bytes).expect("a header");
            assert_eq!(valid.header, header);
        }
    }
}

#[test]
fn raw_snappy_is_taken_too() {
    let batch = plain(Codec::None).bytes();
    let mut raw = batch[..61].to_vec();
    let payload = snap::raw::Encoder::new().compress_vec(&batch[61..]);
    raw.extend(payload.expect("compresses"));
    raw[22] |= 2;
    let length = (raw.len() - 12) as i32;
    raw[8..12].copy_from_slice(&length.to_be_bytes());
    seal(&mut raw);
    validate(&raw.into(), &rules(&[])).expect("taken");
}

#[test]
fn exactly_one_batch_of_the_newest_format_is_taken() {
    let rules = rules(&[]);
    let one = plain(Codec::None).bytes();
    let two: Bytes = [&one[..], &one[..]].concat().into();
    let cut_off: Bytes = [&one[..], &one[..30]].concat().into();
    let old = changed(&plain(Codec::None), |bytes| bytes[16] = 1);
    assert_eq!(
        code(validate(&Bytes::new(), &rules)),
        ResponseError::InvalidRecord
    );
    assert_eq!(code(validate(&two, &rules)), ResponseError::InvalidRecord);
    assert_eq!(code(validate(&old, &rules)), ResponseError::InvalidRecord);
    assert_eq!(validate(&cut_off, &rules).expect("taken").bytes, one);
    let unheard_of = changed(&plain(Codec::None), |bytes| bytes[16] = 3);
    assert_eq!(
        code(validate(&unheard_of, &rules)),
        ResponseError::CorruptMessage
    );
}

#[test]
fn a_wrong_checksum_is_corruption() {
    let mut bytes = plain(Codec::None).bytes().to_vec();
    *bytes.last_mut().expect("not empty") ^= 1;
    assert_eq!(
        code(validate(&bytes.into(), &rules(&[]))),
        ResponseError::CorruptMessage
    );
}

#[test]
fn headers_that_lie_are_invalid() {
    let batch = plain(Codec::None);
    let producer = Batch {
        producer: Some((7, 0, -1)),
        ..batch.clone()
    };
    let cases = [
        ("base offset", changed(&batch, |bytes| bytes[7] = 1)),
        ("count", changed(&batch, |bytes| bytes[60] = 4)),
        ("last delta", changed(&batch, |bytes| bytes[26] = 1)),
        (
            "both",
            changed(&batch, |bytes| (bytes[60], bytes[26]) = (4, 3)),
        ),
        (
            "fewer",
            changed(&batch, |bytes| (bytes[60], bytes[26]) = (2, 1)),
        ),
        ("control", changed(&batch, |bytes| bytes[22] |= 0x20)),
        ("sequence", producer.bytes()),
    ];
    for (what, bytes) in cases {
        assert_eq!(
            code(validate(&bytes, &rules(&[]))),
            ResponseError::InvalidRecord,
            "{what}"
        );
    }
}

#[test]
fn records_without_a_key_are_named_on_a_compacted_topic() {
    for codec in [Codec::None].into_iter().chain(COMPRESSED) {
        let bytes = plain(codec).bytes();
        let error = validate(&bytes, &rules(&[("cleanup.policy", "compact")])).expect_err("no");
        assert_eq!(error.code(), ResponseError::InvalidRecord);
        let indexes: Vec<i32> = error
            .into_problems()
            .iter()
            .map(|problem| problem.index)
            .collect();
        assert_eq!(indexes, [2], "{codec:?}");
    }
}

#[test]
fn size_counts_as_it_comes_header_included() {
    let bytes = plain(Codec::None).bytes();
    let exactly = bytes.len().to_string();
    let less = (bytes.len() - 1).to_string();
    validate(&bytes, &rules(&[("max.message.bytes", &exactly)])).expect("taken");
    assert_eq!(
        code(validate(&bytes, &rules(&[("max.message.bytes", &less)]))),
        ResponseError::MessageTooLarge
    );
}

#[test]
fn zstd_needs_a_client_that_knows_it() {
    let bytes = plain(Codec::Zstd).bytes();
    let old = Rules::of(&TopicConfig::default(), 6);
    assert_eq!(
        code(validate(&bytes, &old)),
        ResponseError::UnsupportedCompressionType
    );
}

#[test]
fn timestamps_must_be_in_range() {
    let now = now_ms();
    let at = |base_timestamp| {
        Batch {
            base_timestamp,
            ..plain(Codec::None)
        }
        .bytes()
    };
    let before = &[("message.timestamp.before.max.ms", "60000")][..];
    validate(&at(now - 50_000), &rules(before)).expect("taken");
    let error = validate(&at(now - 70_000), &rules(before)).expect_err("too old");
    assert_eq!(error.code(), ResponseError::InvalidTimestamp);
    assert_eq!(error.into_problems().len(), 3);
    validate(&at(now + 3_500_000), &rules(&[])).expect("taken");
    assert_eq!(
        code(validate(&at(now + 3_700_000), &rules(&[]))),
        ResponseError::InvalidTimestamp
    );
    // One that was never set is not judged.
    validate(&at(-1), &rules(before)).expect_err("0 and 1 are old");
    validate(&at(i64::MIN), &rules(before)).expect_err("no overflow");
}

#[test]
fn the_broker_gives_its_time_where_the_topic_says_so() {
    let bytes = plain(Codec::Lz4).bytes();
    let append_time = rules(&[("message.timestamp.type", "LogAppendTime")]);
    let valid = validate(&bytes, &append_time).expect("taken");
    assert!(valid.header.is_log_append_time());
    assert!((now_ms() - valid.header.max_timestamp).abs() < 60_000);
    let again = super::BatchHeader::read(&valid.bytes).expect("a header");
    assert_eq!(again, valid.header);
    assert_eq!(crc32c::crc32c(&valid.bytes[21..]), again.crc);
    let claimed = changed(&plain(Codec::None), |bytes| bytes[22] |= 0x08);
    assert_eq!(
        code(validate(&claimed, &append_time)),
        ResponseError::InvalidTimestamp
    );
    // Where the client's time counts, the claim is dropped.
    let valid = validate(&claimed, &rules(&[])).expect("taken");
    assert!(!valid.header.is_log_append_time());
    assert_eq!(crc32c::crc32c(&valid.bytes[21..]), valid.header.crc);
}

#[test]
fn the_greatest_timestamp_is_computed_not_believed() {
    let lie = changed(&plain(Codec::Gzip), |bytes| bytes[35..43].fill(0));
    let valid = validate(&lie, &rules(&[])).expect("taken");
    assert_eq!(valid.header.max_timestamp, 1_002);
    assert_eq!(valid.bytes, plain(Codec::Gzip).bytes());
}

#[test]
fn a_payload_that_cannot_be_unfolded_is_refused() {
    for codec in COMPRESSED {
        // The checksum is right: it was sent like this.
        let bytes = changed(&plain(codec), |bytes| bytes[61..].fill(0xA5));
        let refused = code(validate(&bytes, &rules(&[])));
        assert_eq!(refused, ResponseError::UnknownServerError, "{codec:?}");
    }
    let unknown = changed(&plain(Codec::None), |bytes| bytes[22] |= 0x07);
    assert_eq!(
        code(validate(&unknown, &rules(&[]))),
        ResponseError::UnknownServerError
    );
}

#[test]
fn a_bomb_is_defused() {
    let bomb = Batch {
        codec: Codec::Zstd,
        records: vec![Given {
            value: Some(vec![0; 70 << 20]),
            ..Given::default()
        }],
        ..Batch::default()
    };
    let bytes = bomb.bytes();
    assert!(bytes.len() < 20_000, "{}", bytes.len());
    let small = rules(&[("max.message.bytes", "20000")]);
    assert_eq!(
        code(validate(&bytes, &small)),
        ResponseError::MessageTooLarge
    );
    validate(&bytes, &rules(&[])).expect("within what the default allows");
}

fn some_records() -> impl Strategy<Value = Vec<Given>> {
    let bytes = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
    let one = (
        bytes(),
        bytes(),
        -500i64..500,
        proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..8), bytes()),
            0..3,
        ),
    );
    proptest::collection::vec(one, 1..20).prop_map(|records| {
        let numbered = records.into_iter().zip(0..);
        numbered
            .map(
                |((key, value, timestamp_delta, headers), offset_delta)| Given {
                    offset_delta,
                    timestamp_delta,
                    key,
                    value,
                    headers,
                },
            )
            .collect()
    })
}

proptest! {
    #[test]
    fn whatever_is_well_formed_is_taken(
        records in some_records(),
        codec in proptest::sample::select(vec![
            Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd,
        ]),
    ) {
        let batch = Batch { codec, records, ..Batch::default() };
        let bytes = batch.bytes();
        let valid = validate(&bytes, &rules(&[])).expect("taken");
        prop_assert_eq!(valid.bytes, bytes);
    }

    #[test]
    fn whatever_is_damaged_is_an_answer_and_never_a_panic(
        records in some_records(),
        codec in 0u8..8,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let known = Codec::from_number(i16::from(codec)).unwrap_or(Codec::None);
        let batch = Batch { codec: known, records, ..Batch::default() };
        let mut bytes = batch.bytes().to_vec();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        seal(&mut bytes);
        let _ = validate(&bytes.into(), &rules(&[]));
    }
}
