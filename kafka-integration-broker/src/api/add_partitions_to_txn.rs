use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::{Code, Stop, fenced_for};
use crate::core::RequestContext;
use crate::transactions::{Identity, Protocol};

/// The oldest version whose clients know `PRODUCER_FENCED`.
const KNOWS_FENCED: i16 = 2;

/// Takes partitions into a transaction: all of them or none.
pub(super) async fn handle(
    cx: &RequestContext,
    request: AddPartitionsToTxnRequest,
) -> Result<AddPartitionsToTxnResponse, Stop> {
    let mut partitions = Vec::new();
    let mut unknown = false;
    let mut results = Vec::with_capacity(request.v3_and_below_topics.len());
    for topic in &request.v3_and_below_topics {
        let known = cx.core.catalogue.topic(&topic.name);
        let mut of_topic = Vec::with_capacity(topic.partitions.len());
        for index in &topic.partitions {
            let found = known.as_ref().and_then(|topic| topic.partition(*index));
            let error = match found {
                Some(partition) => {
                    partitions.push(partition);
                    None
                }
                None => {
                    unknown = true;
                    Some(ResponseError::UnknownTopicOrPartition)
                }
            };
            of_topic.push(
                AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(*index)
                    .with_partition_error_code(error.number()),
            );
        }
        results.push(
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name.clone())
                .with_results_by_partition(of_topic),
        );
    }
    let outcome = if unknown {
        Err(ResponseError::OperationNotAttempted)
    } else {
        add(cx, &request, partitions).await
    };
    if let Err(error) = outcome {
        let code = fenced_for(cx.version, KNOWS_FENCED, error).number();
        results
            .iter_mut()
            .flat_map(|topic| &mut topic.results_by_partition)
            .filter(|partition| partition.partition_error_code == 0)
            .for_each(|partition| partition.partition_error_code = code);
    }
    Ok(AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results))
}

async fn add(
    cx: &RequestContext,
    request: &AddPartitionsToTxnRequest,
    partitions: Vec<std::sync::Arc<crate::log::Partition>>,
) -> Result<(), ResponseError> {
    let id = &request.v3_and_below_transactional_id;
    if id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    let who = Identity {
        producer_id: request.v3_and_below_producer_id.0,
        epoch: request.v3_and_below_producer_epoch,
    };
    let transactions = &cx.core.transactions;
    transactions
        .add_partitions(id, who, partitions, Protocol::V1)
        .await
}
