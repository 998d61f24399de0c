//! Compressed batches.

use kafka_integration_tests::raw::{Batch, Record};

use crate::support::Target;
use crate::support::codec::{Codec, GZIP, LZ4, SNAPPY, SNAPPY_XERIAL, ZSTD};
use crate::support::codes::*;
use crate::support::log::{batches, fetch, produce, produced};

cases!(
    every_codec_is_kept_as_it_came,
    zstd_needs_version_7_of_produce,
    zstd_needs_version_10_of_fetch,
    what_cannot_be_decompressed_is_refused,
    an_unknown_codec_is_refused,
    the_topics_codec_is_used_if_it_names_one,
    timestamps_of_compressed_records_count,
);

const VALUES: [&str; 3] = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b", "c"];

fn batch((number, compress): Codec) -> Batch {
    Batch::of(VALUES).compressed(number, compress)
}

async fn every_codec_is_kept_as_it_came(target: &Target) {
    let topic = target.topic("codecs").await;
    let codecs = [GZIP, SNAPPY, SNAPPY_XERIAL, LZ4, ZSTD];
    for (index, codec) in codecs.into_iter().enumerate() {
        let offset = index as i64 * 3;
        let sent = batch(codec);
        let answer = target.produce(&topic, 0, &sent).await;
        let seen = (answer.error_code, answer.base_offset);
        assert_eq!(seen, (NONE, offset), "codec {index}");
        let data = target.fetch(&topic, 0, offset + 2).await;
        let read = batches(&data).remove(0);
        assert_eq!((read.base_offset, read.last_offset_delta), (offset, 2));
        assert_eq!(read.bytes[16..], sent.encode()[16..], "codec {index}");
    }
}

async fn zstd_needs_version_7_of_produce(target: &Target) {
    let topic = target.topic("zstd-6").await;
    for (version, error) in [(6, UNSUPPORTED_COMPRESSION_TYPE), (7, NONE)] {
        let request = produce(version, &topic, 0, batch(ZSTD).encode());
        let answer = produced(target.call(version, request).await);
        assert_eq!(answer.error_code, error, "version {version}");
    }
}

async fn zstd_needs_version_10_of_fetch(target: &Target) {
    let topic = target.topic("zstd-fetch").await;
    target.produce(&topic, 0, &batch(ZSTD)).await;
    for version in [9, 10] {
        let response = target.call(version, fetch(version, [(&topic, 0, 0)])).await;
        let data = &response.responses[0].partitions[0];
        // Kafka looks at the topic's codec only, and that is the producer's.
        assert_eq!(data.error_code, NONE, "version {version}");
        assert_eq!(batches(data).len(), 1, "version {version}");
    }
}

async fn what_cannot_be_decompressed_is_refused(target: &Target) {
    let topic = target.topic("not-compressed").await;
    let mut errors = Vec::new();
    for (number, _) in [GZIP, SNAPPY, LZ4, ZSTD] {
        let batch = Batch::of(VALUES).compressed(number, |_| b"nonsense".to_vec());
        errors.push(target.produce(&topic, 0, &batch).await.error_code);
    }
    // There is no error of its own for it.
    assert_eq!(errors, [UNKNOWN_SERVER_ERROR; 4]);
    assert_eq!(target.list_offset(&topic, 0, -1).await.offset, 0);
}

async fn an_unknown_codec_is_refused(target: &Target) {
    let topic = target.topic("unknown-codec").await;
    for number in [5, 7] {
        let batch = Batch::of(VALUES).compressed(number, <[u8]>::to_vec);
        let answer = target.produce(&topic, 0, &batch).await;
        assert_eq!(answer.error_code, UNKNOWN_SERVER_ERROR, "codec {number}");
    }
}

async fn the_topics_codec_is_used_if_it_names_one(target: &Target) {
    let topic = target
        .topic_with("topic-codec", 1, &[("compression.type", "uncompressed")])
        .await;
    let answer = target.produce(&topic, 0, &batch(GZIP)).await;
    assert_eq!(answer.error_code, NONE);
    let read = batches(&target.fetch(&topic, 0, 0).await).remove(0);
    assert_eq!(read.attributes & 7, 0);
    assert_eq!(read.values(), VALUES);
}

async fn timestamps_of_compressed_records_count(target: &Target) {
    let topic = target.topic("codec-timestamps").await;
    let today = Record::today();
    let records = [
        Record::new("a").at(today + 10),
        Record::new("b").at(today + 30),
    ];
    let batch = Batch::new(records).compressed(GZIP.0, GZIP.1);
    assert_eq!(target.produce(&topic, 0, &batch).await.error_code, NONE);
    let found = target.list_offset(&topic, 0, today + 20).await;
    assert_eq!((found.offset, found.timestamp), (1, today + 30));
}
