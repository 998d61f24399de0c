use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::{Code, Stop, fenced_for};
use crate::core::RequestContext;
use crate::transactions::Identity;

/// The oldest version whose clients know `PRODUCER_FENCED`.
const KNOWS_FENCED: i16 = 4;

/// Says who a producer is from now on.
pub(super) async fn handle(
    cx: &RequestContext,
    request: InitProducerIdRequest,
) -> Result<InitProducerIdResponse, Stop> {
    let answer = InitProducerIdResponse::default();
    Ok(match identify(cx, &request).await {
        Ok(identity) => answer
            .with_producer_id(ProducerId(identity.producer_id))
            .with_producer_epoch(identity.epoch),
        Err(error) => answer
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
            .with_error_code(fenced_for(cx.version, KNOWS_FENCED, error).number()),
    })
}

async fn identify(
    cx: &RequestContext,
    request: &InitProducerIdRequest,
) -> Result<Identity, ResponseError> {
    // -1 and -1: the producer starts. One of them alone makes no sense.
    let claimed = match (request.producer_id.0, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ResponseError::InvalidRequest),
        (producer_id, epoch) => Some(Identity { producer_id, epoch }),
    };
    let transactions = &cx.core.transactions;
    match &request.transactional_id {
        None => transactions.idempotent_producer().await,
        Some(id) if id.is_empty() => Err(ResponseError::InvalidRequest),
        Some(id) => {
            let timeout_ms = request.transaction_timeout_ms;
            transactions.init(id, timeout_ms, claimed).await
        }
    }
}
