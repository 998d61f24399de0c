//! What a broker does not let into a log.

use bytes::Bytes;
use kafka_integration_tests::raw::{Batch, Record};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::{batches, produce, produced, values};
use crate::support::topics::Topic;

cases!(
    a_wrong_checksum_is_corrupt,
    older_formats_are_refused,
    the_header_has_to_fit_the_records,
    a_control_batch_is_refused,
    two_batches_for_a_partition_are_refused,
    no_records_are_refused,
    a_cut_batch_is_no_batch,
    a_wrong_length_is_corrupt,
    errors_are_told_record_by_record_from_version_8,
    nothing_is_appended_by_a_refused_batch,
    the_batch_is_kept_as_it_came,
    max_timestamp_is_what_the_records_say,
);

/// Sends bytes with Produce 9 and hands back the error.
async fn refused(target: &Target, topic: &Topic, bytes: Bytes) -> i16 {
    let answer = produced(target.call(9, produce(9, topic, 0, bytes)).await);
    if answer.error_code != NONE {
        assert_eq!(answer.base_offset, -1);
        assert_eq!(answer.log_append_time_ms, -1);
    }
    answer.error_code
}

async fn a_wrong_checksum_is_corrupt(target: &Target) {
    let topic = target.topic("wrong-crc").await;
    let mut batch = Batch::of(["a"]);
    batch.crc = Some(7);
    assert_eq!(
        refused(target, &topic, batch.encode()).await,
        CORRUPT_MESSAGE
    );
}

async fn older_formats_are_refused(target: &Target) {
    let topic = target.topic("old-magic").await;
    for magic in [0, 1] {
        // A message of the old format: offset, size, crc, magic, attributes,
        // (timestamp,) key, value.
        let mut message = vec![magic, 0];
        if magic == 1 {
            message.extend(Record::today().to_be_bytes());
        }
        message.extend((-1_i32).to_be_bytes());
        message.extend(1_i32.to_be_bytes());
        message.push(b'a');
        let mut crc = flate2::Crc::new();
        crc.update(&message);
        let mut bytes = 0_i64.to_be_bytes().to_vec();
        bytes.extend((message.len() as i32 + 4).to_be_bytes());
        bytes.extend(crc.sum().to_be_bytes());
        bytes.extend(message);
        let error = refused(target, &topic, bytes.into()).await;
        assert_eq!(error, INVALID_RECORD, "magic {magic}");
    }
    let mut batch = Batch::of(["a"]);
    batch.magic = 3;
    let error = refused(target, &topic, batch.encode()).await;
    assert_eq!(error, CORRUPT_MESSAGE, "magic 3");
}

async fn the_header_has_to_fit_the_records(target: &Target) {
    let topic = target.topic("header").await;
    let good = || Batch::of(["a", "b"]);
    let mut batch = good();
    batch.last_offset_delta = Some(2);
    let error = refused(target, &topic, batch.encode()).await;
    assert_eq!(error, INVALID_RECORD, "last offset delta");
    let mut batch = good();
    batch.base_offset = 5;
    let error = refused(target, &topic, batch.encode()).await;
    assert_eq!(error, INVALID_RECORD, "base offset");
    let mut batch = good();
    batch.count = Some(1);
    let error = refused(target, &topic, batch.encode()).await;
    assert_eq!(error, INVALID_RECORD, "count");
    let mut batch = good();
    batch.count = Some(3);
    batch.last_offset_delta = Some(2);
    let error = refused(target, &topic, batch.encode()).await;
    assert_eq!(error, INVALID_RECORD, "count and delta against the records");
    let mut batch = good();
    batch.producer_id = 5;
    let error = refused(target, &topic, batch.encode()).await;
    assert_eq!(error, INVALID_RECORD, "producer id without sequence");
}

async fn a_control_batch_is_refused(target: &Target) {
    let topic = target.topic("control").await;
    let mut batch = Batch::of(["a"]);
    batch.attributes |= Batch::CONTROL;
    assert_eq!(
        refused(target, &topic, batch.encode()).await,
        INVALID_RECORD
    );
}

async fn two_batches_for_a_partition_are_refused(target: &Target) {
    let topic = target.topic("two-batches").await;
    let mut bytes = Batch::of(["a"]).encode().to_vec();
    bytes.extend(Batch::of(["b"]).encode());
    assert_eq!(refused(target, &topic, bytes.into()).await, INVALID_RECORD);
}

async fn no_records_are_refused(target: &Target) {
    let topic = target.topic("no-records").await;
    assert_eq!(refused(target, &topic, Bytes::new()).await, INVALID_RECORD);
    let empty = Batch::new([]).encode();
    assert_eq!(refused(target, &topic, empty).await, INVALID_RECORD);
}

async fn a_cut_batch_is_no_batch(target: &Target) {
    let topic = target.topic("cut").await;
    let whole = Batch::of(["a", "b"]).encode();
    let mut errors = Vec::new();
    let lengths = [1, 11, 12, 30, 60, 61, whole.len() - 1];
    for length in lengths {
        errors.push(refused(target, &topic, whole.slice(..length)).await);
    }
    assert_eq!(errors, [INVALID_RECORD; 7], "{lengths:?} bytes");
    let mut longer = whole.to_vec();
    longer.push(0);
    assert_eq!(
        refused(target, &topic, longer.into()).await,
        NONE,
        "cut off"
    );
    let data = target.fetch(&topic, 0, 0).await;
    assert_eq!(data.records.map(|bytes| bytes.len()), Some(whole.len()));
}

async fn a_wrong_length_is_corrupt(target: &Target) {
    let topic = target.topic("wrong-length").await;
    let mut batch = Batch::of(["a"]);
    let mut errors = Vec::new();
    let lengths = [-1, 0, 13];
    for length in lengths {
        batch.length = Some(length);
        errors.push(refused(target, &topic, batch.encode()).await);
    }
    assert_eq!(errors, [CORRUPT_MESSAGE; 3], "lengths {lengths:?}");
}

async fn errors_are_told_record_by_record_from_version_8(target: &Target) {
    let configs = [("cleanup.policy", "compact")];
    let topic = target.topic_with("record-errors", 1, &configs).await;
    let bytes = Batch::of(["a"]).encode();
    let answer = produced(target.call(8, produce(8, &topic, 0, bytes.clone())).await);
    assert_eq!(answer.error_code, INVALID_RECORD);
    assert_eq!(answer.record_errors[0].batch_index, 0);
    assert!(answer.record_errors[0].batch_index_error_message.is_some());
    assert!(answer.error_message.is_some());
    let answer = produced(target.call(7, produce(7, &topic, 0, bytes)).await);
    assert_eq!(answer.error_code, INVALID_RECORD);
}

async fn nothing_is_appended_by_a_refused_batch(target: &Target) {
    let topic = target.topic("refused").await;
    let far = Record::today() * 2;
    let batch = Batch::new([Record::new("good"), Record::new("bad").at(far)]);
    assert_eq!(
        refused(target, &topic, batch.encode()).await,
        INVALID_TIMESTAMP
    );
    assert_eq!(target.append(&topic, 0, ["next"]).await, 0);
}

async fn the_batch_is_kept_as_it_came(target: &Target) {
    let topic = target.topic("kept").await;
    let mut record = Record::new("a").key("k");
    record.headers = vec![
        ("same".into(), Some("1".into())),
        ("same".into(), None),
        (Bytes::from_static(b"\xff\xfe"), Some("not text".into())),
    ];
    let tombstone = Record {
        value: None,
        ..record.clone()
    };
    let sent = Batch::new([record, tombstone]);
    assert_eq!(target.append(&topic, 0, ["first"]).await, 0);
    let answer = target.produce(&topic, 0, &sent).await;
    assert_eq!((answer.error_code, answer.base_offset), (NONE, 1));
    let read = batches(&target.fetch(&topic, 0, 1).await).remove(0);
    assert_eq!((read.base_offset, read.leader_epoch), (1, 0));
    assert_eq!(read.bytes[16..], sent.encode()[16..], "from magic on");
    assert_eq!(read.records[0].headers.len(), 3);
    assert_eq!(read.records[1].value, None);
    assert_eq!(values(&target.fetch(&topic, 0, 0).await)[0], "first");
}

async fn max_timestamp_is_what_the_records_say(target: &Target) {
    let topic = target.topic("max-timestamp").await;
    let mut batch = Batch::of(["a"]);
    batch.max_timestamp = Some(Record::today() + 99);
    let answer = target.produce(&topic, 0, &batch).await;
    assert_eq!(answer.error_code, NONE);
    let read = batches(&target.fetch(&topic, 0, 0).await).remove(0);
    assert_eq!(read.max_timestamp, Record::today());
}
