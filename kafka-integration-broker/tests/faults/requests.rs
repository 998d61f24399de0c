//! Requests that tests send, and what they look for in the answers.

use bytes::{Bytes, BytesMut};
use indexmap::IndexMap;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, FetchRequest, FetchResponse, GroupId, HeartbeatRequest,
    ListOffsetsRequest, ProduceRequest, ProduceResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use crate::client::Client;

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

pub(crate) async fn create(client: &mut Client, topics: &[&str]) {
    let topics = topics.iter().map(|topic| {
        CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(1)
            .with_replication_factor(1)
    });
    let request = CreateTopicsRequest::default().with_topics(topics.collect());
    let answer = client.ask(7, &request).await.expect("an answer");
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0));
}

/// A record of a producer, by its sequence number; of none with -1.
fn batch(producer_id: i64, sequence: i32) -> Bytes {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id,
        producer_epoch: if producer_id < 0 { -1 } else { 0 },
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence,
        timestamp: 1,
        key: None,
        value: Some(Bytes::from_static(b"value")),
        headers: IndexMap::default(),
    };
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).expect("a batch");
    bytes.freeze()
}

/// One record for each of these topics.
pub(crate) fn produce(topics: &[&str]) -> ProduceRequest {
    produce_as(-1, -1, topics)
}

pub(crate) fn produce_as(producer_id: i64, sequence: i32, topics: &[&str]) -> ProduceRequest {
    let topics = topics.iter().map(|topic| {
        TopicProduceData::default()
            .with_name(name(topic))
            .with_partition_data(vec![
                PartitionProduceData::default()
                    .with_index(0)
                    .with_records(Some(batch(producer_id, sequence))),
            ])
    });
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1000)
        .with_topic_data(topics.collect())
}

/// The topics' errors and offsets, in order of their names.
pub(crate) fn produced(answer: &ProduceResponse) -> Vec<(&str, i16, i64)> {
    let mut all: Vec<_> = (answer.responses.iter())
        .flat_map(|topic| {
            let partitions = topic.partition_responses.iter();
            partitions.map(|one| (topic.name.as_str(), one.error_code, one.base_offset))
        })
        .collect();
    all.sort_unstable();
    all
}

/// From the beginning, within a session.
pub(crate) fn fetch(session_id: i32, epoch: i32, topics: &[&str]) -> FetchRequest {
    let topics = topics.iter().map(|topic| {
        FetchTopic::default()
            .with_topic(name(topic))
            .with_partitions(vec![
                FetchPartition::default()
                    .with_partition_max_bytes(1 << 20)
                    .with_log_start_offset(-1),
            ])
    });
    FetchRequest::default()
        .with_max_wait_ms(0)
        .with_max_bytes(1 << 20)
        .with_session_id(session_id)
        .with_session_epoch(epoch)
        .with_topics(topics.collect())
}

/// The topics' errors and whether they have records, in order of their names.
pub(crate) fn fetched(answer: &FetchResponse) -> Vec<(&str, i16, bool)> {
    let mut all: Vec<_> = (answer.responses.iter())
        .flat_map(|topic| {
            topic.partitions.iter().map(|one| {
                let has_records = one.records.as_ref().is_some_and(|bytes| !bytes.is_empty());
                (topic.topic.as_str(), one.error_code, has_records)
            })
        })
        .collect();
    all.sort_unstable();
    all
}

/// The offset behind the last record.
pub(crate) async fn end_of(client: &mut Client, topic: &str) -> i64 {
    let partition = ListOffsetsPartition::default().with_timestamp(-1);
    let topic = ListOffsetsTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_topics(vec![topic]);
    let answer = client.ask(5, &request).await.expect("an answer");
    answer.topics[0].partitions[0].offset
}

pub(crate) fn heartbeat(group: &str) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
        .with_generation_id(1)
        .with_member_id(StrBytes::from_static_str("nobody"))
}
