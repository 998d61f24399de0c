use kafka_protocol::ResponseError;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::{Code, Stop, fenced_for};
use crate::core::RequestContext;
use crate::transactions::Identity;

/// The oldest version whose clients know `PRODUCER_FENCED`.
const KNOWS_FENCED: i16 = 2;

/// Takes a group's offsets into a transaction.
pub(super) async fn handle(
    cx: &RequestContext,
    request: AddOffsetsToTxnRequest,
) -> Result<AddOffsetsToTxnResponse, Stop> {
    let error = add(cx, &request).await.err();
    let error = error.map(|error| fenced_for(cx.version, KNOWS_FENCED, error));
    Ok(AddOffsetsToTxnResponse::default().with_error_code(error.number()))
}

async fn add(cx: &RequestContext, request: &AddOffsetsToTxnRequest) -> Result<(), ResponseError> {
    if request.transactional_id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    let who = Identity {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let transactions = &cx.core.transactions;
    transactions
        .add_group(&request.transactional_id, who, &request.group_id)
        .await
}
