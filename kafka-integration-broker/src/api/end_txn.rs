use kafka_protocol::ResponseError;
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse, ProducerId};

use super::{Code, Stop, fenced_for};
use crate::core::RequestContext;
use crate::transactions::{Identity, Protocol};

/// The oldest version whose clients know `PRODUCER_FENCED`.
const KNOWS_FENCED: i16 = 2;

/// The oldest version of clients that take a new epoch with the answer.
const TAKES_EPOCH: i16 = 5;

/// Commits or aborts.
pub(super) async fn handle(
    cx: &RequestContext,
    request: EndTxnRequest,
) -> Result<EndTxnResponse, Stop> {
    let answer = EndTxnResponse::default();
    Ok(match end(cx, &request).await {
        Ok(identity) if cx.version >= TAKES_EPOCH => answer
            .with_producer_id(ProducerId(identity.producer_id))
            .with_producer_epoch(identity.epoch),
        Ok(_) => answer,
        Err(error) => answer.with_error_code(fenced_for(cx.version, KNOWS_FENCED, error).number()),
    })
}

async fn end(cx: &RequestContext, request: &EndTxnRequest) -> Result<Identity, ResponseError> {
    if request.transactional_id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    let who = Identity {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let protocol = if cx.version >= TAKES_EPOCH {
        Protocol::V2
    } else {
        Protocol::V1
    };
    let transactions = &cx.core.transactions;
    transactions
        .end(&request.transactional_id, who, request.committed, protocol)
        .await
}
