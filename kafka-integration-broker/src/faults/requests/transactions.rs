//! Producers and their transactions.

use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse, DescribeTransactionsRequest, DescribeTransactionsResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse,
    ListTransactionsRequest, ListTransactionsResponse, ProducerId, TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
};

use super::super::subject::{Cut, Faultable, Subject, cut_list};
use super::{refused_on_top, refused_one_by_one};
use crate::api::Stop;
use crate::core::RequestContext;

refused_on_top! {
    AddOffsetsToTxnRequest => AddOffsetsToTxnResponse, |request| Subject {
        transactional_id: Some(request.transactional_id.as_str()),
        group: Some(request.group_id.as_str()),
        ..Subject::default()
    };
    EndTxnRequest => EndTxnResponse,
        |request| Subject::transaction(request.transactional_id.as_str());
    ListTransactionsRequest => ListTransactionsResponse, |_request| Subject::default();
}

refused_one_by_one! {
    DescribeTransactionsRequest.transactional_ids
        => DescribeTransactionsResponse.transaction_states,
        |id| Subject::transaction(id.as_str()),
        |id, code| TransactionState::default()
            .with_transactional_id(id)
            .with_error_code(code);
}

impl Faultable for InitProducerIdRequest {
    type Answer = InitProducerIdResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        Cut::whole_if(is_meant(&Subject {
            transactional_id: self.transactional_id.as_ref().map(|id| id.as_str()),
            ..Subject::default()
        }))
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        Ok(InitProducerIdResponse::default()
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
            .with_error_code(code))
    }
}

/// All partitions or none, as the broker takes them.
impl Faultable for AddPartitionsToTxnRequest {
    type Answer = AddPartitionsToTxnResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let subject = Subject {
            transactional_id: Some(self.v3_and_below_transactional_id.as_str()),
            placeless: self.v3_and_below_topics.is_empty(),
            ..Subject::default()
        };
        let mut topics = self.v3_and_below_topics.iter().map(|topic| Subject {
            topic: Some(topic.name.as_str()),
            ..subject
        });
        let is_whole_meant = is_meant(&subject);
        Cut::whole_if(is_whole_meant || topics.any(|subject| is_meant(&subject)))
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let results = self.v3_and_below_topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|index| {
                AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(*index)
                    .with_partition_error_code(code)
            });
            AddPartitionsToTxnTopicResult::default()
                .with_results_by_partition(partitions.collect())
                .with_name(topic.name)
        });
        Ok(AddPartitionsToTxnResponse::default()
            .with_results_by_topic_v3_and_below(results.collect()))
    }
}

impl Faultable for TxnOffsetCommitRequest {
    type Answer = TxnOffsetCommitResponse;

    fn cut(
        &mut self,
        _cx: &RequestContext,
        is_meant: &mut dyn FnMut(&Subject<'_>) -> bool,
    ) -> Cut<Self> {
        let (id, group) = (self.transactional_id.clone(), self.group_id.clone());
        cut_list(
            self,
            |request| &mut request.topics,
            |topic| {
                is_meant(&Subject {
                    topic: topic.map(|topic| topic.name.as_str()),
                    group: Some(group.as_str()),
                    transactional_id: Some(id.as_str()),
                    placeless: topic.is_none(),
                })
            },
        )
    }

    fn refuse(self, _cx: &RequestContext, code: i16) -> Result<Self::Answer, Stop> {
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code)
            });
            TxnOffsetCommitResponseTopic::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        });
        Ok(TxnOffsetCommitResponse::default().with_topics(topics.collect()))
    }

    fn merge(answer: &mut Self::Answer, refused: Self::Answer) {
        answer.topics.extend(refused.topics);
    }
}
