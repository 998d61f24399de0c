//! Producing to a partition and reading it.

use bytes::Bytes;
use kafka_integration_tests::raw::{Batch, Connection, ReadBatch, read_batches};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::ProducerState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    DeleteRecordsRequest, DescribeProducersRequest, FetchRequest, FetchResponse,
    ListOffsetsRequest, ListOffsetsResponse, ProduceRequest, ProduceResponse,
};

use super::Target;
use super::shapes::transactional_id;
use super::topics::Topic;

/// A request with acks=-1 for one partition.
pub fn produce(version: i16, topic: &Topic, partition: i32, records: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    let data = TopicProduceData::default().with_partition_data(vec![partition]);
    let data = if version >= 13 {
        data.with_topic_id(topic.id)
    } else {
        data.with_name(topic.name())
    };
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(20_000)
        .with_topic_data(vec![data])
}

/// The answer's only partition.
pub fn produced(mut response: ProduceResponse) -> PartitionProduceResponse {
    assert_eq!(response.responses.len(), 1);
    let partitions = &mut response.responses[0].partition_responses;
    assert_eq!(partitions.len(), 1);
    partitions.remove(0)
}

/// Partitions and the offsets to read them from.
pub type From<'a> = (&'a Topic, i32, i64);

/// A request without a session that does not wait.
pub fn fetch<'a>(version: i16, from: impl IntoIterator<Item = From<'a>>) -> FetchRequest {
    let topics = from.into_iter().map(|(topic, partition, offset)| {
        let partition = FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(1 << 20);
        let asked = FetchTopic::default().with_partitions(vec![partition]);
        if version >= 13 {
            asked.with_topic_id(topic.id)
        } else {
            asked.with_topic(topic.name())
        }
    });
    let request = FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_topics(topics.collect());
    if version >= 7 {
        request.with_session_epoch(-1)
    } else {
        request
    }
}

/// The answer's only partition.
pub fn fetched(mut response: FetchResponse) -> PartitionData {
    assert_eq!(response.error_code, 0);
    assert_eq!(response.responses.len(), 1);
    let partitions = &mut response.responses[0].partitions;
    assert_eq!(partitions.len(), 1);
    partitions.remove(0)
}

/// The batches of a partition's answer.
pub fn batches(data: &PartitionData) -> Vec<ReadBatch> {
    read_batches(data.records.as_ref().expect("records, if only none"))
}

/// The values of all records in a partition's answer, control records left out.
pub fn values(data: &PartitionData) -> Vec<String> {
    let batches = batches(data);
    let data = batches.iter().filter(|batch| batch.marker.is_none());
    data.flat_map(ReadBatch::values).collect()
}

impl Target {
    /// Appends a batch with Produce 9 and hands back the partition's answer.
    pub async fn produce(
        &self,
        topic: &Topic,
        partition: i32,
        batch: &Batch,
    ) -> PartitionProduceResponse {
        let mut connection = self.connect().await;
        produce_on(&mut connection, topic, partition, batch).await
    }

    /// Appends a batch of these values, which has to go well; hands back the
    /// offset of the first.
    pub async fn append<'a>(
        &self,
        topic: &Topic,
        partition: i32,
        values: impl IntoIterator<Item = &'a str>,
    ) -> i64 {
        let answer = self.produce(topic, partition, &Batch::of(values)).await;
        assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
        answer.base_offset
    }

    /// Reads a partition with Fetch 12, uncommitted.
    pub async fn fetch(&self, topic: &Topic, partition: i32, offset: i64) -> PartitionData {
        let request = fetch(12, [(topic, partition, offset)]);
        fetched(self.call(12, request).await)
    }

    /// Reads a partition with Fetch 12, committed.
    pub async fn fetch_committed(&self, topic: &Topic, offset: i64) -> PartitionData {
        let request = fetch(12, [(topic, 0, offset)]).with_isolation_level(1);
        fetched(self.call(12, request).await)
    }

    /// The producers a partition remembers.
    pub async fn producers(&self, topic: &Topic, partition: i32) -> Vec<ProducerState> {
        let asked = TopicRequest::default()
            .with_name(topic.name())
            .with_partition_indexes(vec![partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![asked]);
        let mut response = self.call(0, request).await;
        let mut partition = response.topics[0].partitions.remove(0);
        assert_eq!(partition.error_code, 0);
        partition
            .active_producers
            .sort_by_key(|state| state.producer_id.0);
        partition.active_producers
    }

    /// Looks an offset up with ListOffsets 9, uncommitted.
    pub async fn list_offset(
        &self,
        topic: &Topic,
        partition: i32,
        timestamp: i64,
    ) -> ListOffsetsPartitionResponse {
        let request = list_offsets(topic, partition, timestamp);
        listed(self.call(9, request).await)
    }
}

/// Appends a batch on this connection, with its transactional id if it has to
/// have one.
pub async fn produce_on(
    connection: &mut Connection,
    topic: &Topic,
    partition: i32,
    batch: &Batch,
) -> PartitionProduceResponse {
    let request = produce(9, topic, partition, batch.encode());
    produced(connection.call(9, request).await)
}

/// As [`produce`], of a transactional producer.
pub fn produce_in(
    id: &str,
    version: i16,
    topic: &Topic,
    partition: i32,
    batch: &Batch,
) -> ProduceRequest {
    produce(version, topic, partition, batch.encode())
        .with_transactional_id(Some(transactional_id(id)))
}

/// A lookup in one partition.
pub fn list_offsets(topic: &Topic, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(topic.name())
        .with_partitions(vec![partition]);
    ListOffsetsRequest::default()
        .with_replica_id((-1).into())
        .with_topics(vec![topic])
}

/// The answer's only partition.
pub fn listed(mut response: ListOffsetsResponse) -> ListOffsetsPartitionResponse {
    response.topics[0].partitions.remove(0)
}

/// Deletes what is before an offset in one partition.
pub fn delete_records(topic: &Topic, partition: i32, offset: i64) -> DeleteRecordsRequest {
    let partition = DeleteRecordsPartition::default()
        .with_partition_index(partition)
        .with_offset(offset);
    let topic = DeleteRecordsTopic::default()
        .with_name(topic.name())
        .with_partitions(vec![partition]);
    DeleteRecordsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(20_000)
}
