use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, ProducerId, TopicName,
    TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::{Code, Stop};
use crate::core::RequestContext;
use crate::transactions::Described;

/// Describes transactional ids, each with its own error.
pub(super) async fn handle(
    cx: &RequestContext,
    request: DescribeTransactionsRequest,
) -> Result<DescribeTransactionsResponse, Stop> {
    let mut states = Vec::with_capacity(request.transactional_ids.len());
    for id in request.transactional_ids {
        let described = if id.is_empty() {
            Err(ResponseError::InvalidRequest)
        } else {
            cx.core.transactions.describe(&id).await
        };
        states.push(match described {
            Ok(described) => state(id, described),
            Err(error) => TransactionState::default()
                .with_transactional_id(id)
                .with_error_code(error.number()),
        });
    }
    Ok(DescribeTransactionsResponse::default().with_transaction_states(states))
}

fn state(id: TransactionalId, described: Described) -> TransactionState {
    let topics = described
        .partitions
        .into_iter()
        .map(|(topic, partitions)| {
            TopicData::default()
                .with_topic(TopicName(StrBytes::from_string(topic)))
                .with_partitions(partitions)
        })
        .collect();
    TransactionState::default()
        .with_transactional_id(id)
        .with_transaction_state(StrBytes::from_static_str(described.state.name()))
        .with_transaction_timeout_ms(described.timeout_ms)
        .with_transaction_start_time_ms(described.started)
        .with_producer_id(ProducerId(described.identity.producer_id))
        .with_producer_epoch(described.identity.epoch)
        .with_topics(topics)
}
