use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{
    ListTransactionsRequest, ListTransactionsResponse, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use regex::Regex;

use super::{Code, Stop};
use crate::clock::now_ms;
use crate::core::RequestContext;
use crate::transactions::Listed;

/// The states that Apache Kafka knows. Not all of them occur here.
const STATES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

/// Lists the transactional ids that pass all filters.
pub(super) async fn handle(
    cx: &RequestContext,
    request: ListTransactionsRequest,
) -> Result<ListTransactionsResponse, Stop> {
    let answer = ListTransactionsResponse::default();
    let pattern = match pattern(&request) {
        Ok(pattern) => pattern,
        Err(error) => return Ok(answer.with_error_code(error.number())),
    };
    let all = match cx.core.transactions.list().await {
        Ok(all) => all,
        Err(error) => return Ok(answer.with_error_code(error.number())),
    };
    let now = now_ms();
    let mut states: Vec<TransactionState> = all
        .into_iter()
        .filter(|listed| passes(listed, &request, pattern.as_ref(), now))
        .map(|listed| {
            let id = StrBytes::from_string(listed.transactional_id.as_ref().to_owned());
            TransactionState::default()
                .with_transactional_id(TransactionalId(id))
                .with_producer_id(ProducerId(listed.producer_id))
                .with_transaction_state(StrBytes::from_static_str(listed.state.name()))
        })
        .collect();
    states.sort_by(|one, other| one.transactional_id.cmp(&other.transactional_id));
    let unknown = request
        .state_filters
        .into_iter()
        .filter(|state| !STATES.contains(&state.as_str()))
        .collect();
    Ok(answer
        .with_transaction_states(states)
        .with_unknown_state_filters(unknown))
}

/// The whole transactional id must match; an empty pattern is none.
fn pattern(request: &ListTransactionsRequest) -> Result<Option<Regex>, ResponseError> {
    match request.transactional_id_pattern.as_deref() {
        None | Some("") => Ok(None),
        Some(pattern) => Regex::new(pattern)
            .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
            .map(Some)
            .map_err(|_| ResponseError::InvalidRegularExpression),
    }
}

fn passes(
    listed: &Listed,
    request: &ListTransactionsRequest,
    pattern: Option<&Regex>,
    now: i64,
) -> bool {
    let producers = &request.producer_id_filters;
    let states = &request.state_filters;
    (producers.is_empty() || producers.iter().any(|id| id.0 == listed.producer_id))
        && (states.is_empty() || states.iter().any(|state| **state == *listed.state.name()))
        // One that never began counts as begun long ago, as in Apache Kafka.
        && (request.duration_filter < 0 || now - listed.started > request.duration_filter)
        && pattern.is_none_or(|pattern| pattern.is_match(&listed.transactional_id))
}
