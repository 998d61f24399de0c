//! A transactional producer on raw requests.

use kafka_integration_tests::raw::{Batch, Connection};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, EndTxnResponse,
    FindCoordinatorRequest, InitProducerIdRequest, InitProducerIdResponse, ProducerId,
    TxnOffsetCommitRequest,
};

use super::codes::*;
use super::log::{produce_in, produced};
use super::shapes::{group_id, text, transactional_id};
use super::topics::Topic;
use super::{Target, eventually};

/// A transactional producer of the protocol before Kafka 4: partitions are
/// added by a request of their own and an epoch lasts.
pub struct Producer {
    pub connection: Connection,
    pub transactional_id: String,
    pub id: i64,
    pub epoch: i16,
    pub sequence: i32,
}

/// Asks for a producer id for the first time.
pub fn init(id: &str) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id(id)))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

/// Sends InitProducerId 5 until the coordinator is there and no transaction
/// is in the way.
pub async fn initialize(
    connection: &mut Connection,
    request: &InitProducerIdRequest,
) -> InitProducerIdResponse {
    let passing = [
        COORDINATOR_LOAD_IN_PROGRESS,
        COORDINATOR_NOT_AVAILABLE,
        NOT_COORDINATOR,
        CONCURRENT_TRANSACTIONS,
    ];
    eventually("a producer id", async || {
        let answer = connection.call(5, request.clone()).await;
        (!passing.contains(&answer.error_code)).then_some(answer)
    })
    .await
}

impl Target {
    /// Waits until there is a coordinator for a transactional id.
    pub async fn transaction_coordinator(&self, id: &str) {
        self.coordinator(1, id).await;
    }

    /// Waits until there is a coordinator for a group.
    pub async fn group_coordinator(&self, group: &str) {
        self.coordinator(0, group).await;
    }

    async fn coordinator(&self, kind: i8, key: &str) {
        let request = FindCoordinatorRequest::default()
            .with_key_type(kind)
            .with_coordinator_keys(vec![text(key)]);
        eventually("a coordinator", async || {
            let answer = self.call(4, request.clone()).await;
            (answer.coordinators[0].error_code == NONE).then_some(())
        })
        .await;
    }

    /// A producer with a transactional id of its own.
    pub async fn transactional(&self, case: &str) -> Producer {
        let id = self.unique(case);
        self.transactional_as(&id, 60_000).await
    }

    /// A producer with this transactional id, which fences others.
    pub async fn transactional_as(&self, id: &str, timeout_ms: i32) -> Producer {
        self.transaction_coordinator(id).await;
        let mut connection = self.connect().await;
        let request = init(id).with_transaction_timeout_ms(timeout_ms);
        let answer = initialize(&mut connection, &request).await;
        assert_eq!(answer.error_code, NONE);
        Producer {
            connection,
            transactional_id: id.to_owned(),
            id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            sequence: 0,
        }
    }
}

impl Producer {
    /// AddPartitionsToTxn 3 for one partition.
    pub async fn add(&mut self, topic: &Topic, partition: i32) -> i16 {
        let added = AddPartitionsToTxnTopic::default()
            .with_name(topic.name())
            .with_partitions(vec![partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional_id(&self.transactional_id))
            .with_v3_and_below_producer_id(ProducerId(self.id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![added]);
        // The last transaction's markers may still be on their way.
        eventually("a partition in the transaction", async || {
            let answer = self.connection.call(3, request.clone()).await;
            let topic = &answer.results_by_topic_v3_and_below[0];
            let error = topic.results_by_partition[0].partition_error_code;
            (error != CONCURRENT_TRANSACTIONS).then_some(error)
        })
        .await
    }

    /// A batch of this producer, with the next sequence number.
    pub fn batch(&mut self, values: &[&str]) -> Batch {
        let batch = Batch::of(values.iter().copied()).transactional();
        let batch = batch.producer(self.id, self.epoch, self.sequence);
        self.sequence += values.len() as i32;
        batch
    }

    /// Produce of any version; error and offset.
    pub async fn produce(
        &mut self,
        version: i16,
        topic: &Topic,
        partition: i32,
        batch: &Batch,
    ) -> (i16, i64) {
        let id = self.transactional_id.clone();
        let request = produce_in(&id, version, topic, partition, batch);
        let answer = produced(self.connection.call(version, request).await);
        (answer.error_code, answer.base_offset)
    }

    /// Adds partition 0 to the transaction and appends; hands back the offset.
    pub async fn append(&mut self, topic: &Topic, values: &[&str]) -> i64 {
        assert_eq!(self.add(topic, 0).await, NONE);
        let batch = self.batch(values);
        let (error, offset) = self.produce(9, topic, 0, &batch).await;
        assert_eq!(error, NONE);
        offset
    }

    /// EndTxn of any version.
    pub async fn try_end(&mut self, version: i16, commit: bool) -> EndTxnResponse {
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(commit);
        self.connection.call(version, request).await
    }

    /// Adds a group's offsets to the transaction, with AddOffsetsToTxn 3.
    pub async fn add_group(&mut self, group: &str) -> i16 {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(group_id(group));
        eventually("the group in the transaction", async || {
            let error = self.connection.call(3, request.clone()).await.error_code;
            (error != CONCURRENT_TRANSACTIONS).then_some(error)
        })
        .await
    }

    /// A commit of offsets in the transaction, of no member.
    pub fn commit_request(
        &self,
        group: &str,
        topic: &Topic,
        offset: i64,
    ) -> TxnOffsetCommitRequest {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(text("in a transaction")));
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(topic.name())
            .with_partitions(vec![partition]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_group_id(group_id(group))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_generation_id(-1)
            .with_topics(vec![topic])
    }

    /// TxnOffsetCommit of any version; the partition's error.
    pub async fn commit_offset(
        &mut self,
        version: i16,
        group: &str,
        topic: &Topic,
        offset: i64,
    ) -> i16 {
        let request = self.commit_request(group, topic, offset);
        let answer = self.connection.call(version, request).await;
        answer.topics[0].partitions[0].error_code
    }

    /// Commits or aborts with EndTxn 3 and waits until the marker is in each of
    /// these topics' partition 0.
    pub async fn end(&mut self, target: &Target, commit: bool, topics: &[&Topic]) {
        assert_eq!(self.try_end(3, commit).await.error_code, NONE);
        for topic in topics {
            self.ended(target, topic, 0).await;
        }
    }

    /// Waits until no transaction of this producer is open in a partition.
    pub async fn ended(&self, target: &Target, topic: &Topic, partition: i32) {
        eventually("the end of the transaction", async || {
            let producers = target.producers(topic, partition).await;
            let open = producers
                .iter()
                .any(|state| state.producer_id.0 == self.id && state.current_txn_start_offset >= 0);
            (!open).then_some(())
        })
        .await;
    }
}
