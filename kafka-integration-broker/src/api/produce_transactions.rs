//! What Produce has to do with the transaction coordinator.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::produce::Waiting;
use crate::core::RequestContext;
use crate::records::ValidBatch;
use crate::transactions::{Identity, Protocol};

/// The oldest version that takes partitions into the transaction by itself.
pub(super) const BEGINS: i16 = 12;

impl From<&ValidBatch> for Identity {
    fn from(batch: &ValidBatch) -> Self {
        Self {
            producer_id: batch.header.producer_id,
            epoch: batch.header.producer_epoch,
        }
    }
}

/// Takes the partitions of transactional batches into their producer's
/// transaction. Removes the batches that may not be written, and returns where
/// their answers go and why.
pub(super) async fn begin(
    cx: &RequestContext,
    id: &str,
    waiting: &mut Vec<Waiting>,
) -> Vec<((usize, usize), ResponseError)> {
    let mut refused = Vec::new();
    let mut asked: Vec<Identity> = Vec::new();
    // A request comes from one producer, so this goes around once.
    while let Some(who) = waiting
        .iter()
        .filter(|one| must_ask(one))
        .map(|one| Identity::from(&one.batch))
        .find(|who| !asked.contains(who))
    {
        asked.push(who);
        let partitions = waiting
            .iter()
            .filter(|one| must_ask(one) && Identity::from(&one.batch) == who)
            .map(|one| Arc::clone(&one.partition))
            .collect();
        let transactions = &cx.core.transactions;
        let added = transactions.add_partitions(id, who, partitions, Protocol::V2);
        if let Err(error) = added.await {
            let error = as_producer_knows(error);
            waiting.retain(|one| {
                let is_refused = must_ask(one) && Identity::from(&one.batch) == who;
                if is_refused {
                    refused.push((one.place, error));
                }
                !is_refused
            });
        }
    }
    refused
}

/// Whether the coordinator hasn't let this batch's producer in yet.
fn must_ask(one: &Waiting) -> bool {
    let header = &one.batch.header;
    header.is_transactional()
        && !one.partition.append_state(|state| {
            state.is_in_transaction(header.producer_id, header.producer_epoch)
        })
}

/// Why a batch's partition is not in its producer's transaction: `otherwise`,
/// unless the producer is not even who it thinks it is.
pub(super) async fn explain(
    cx: &RequestContext,
    id: &str,
    who: Identity,
    otherwise: ResponseError,
) -> ResponseError {
    match cx.core.transactions.check(id, who).await {
        Ok(()) => otherwise,
        Err(error) => as_producer_knows(error),
    }
}

/// Producers know some of the coordinator's errors by other names.
fn as_producer_knows(error: ResponseError) -> ResponseError {
    match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        // To be tried again, and without looking for another leader.
        ResponseError::CoordinatorNotAvailable => ResponseError::NotEnoughReplicas,
        other => other,
    }
}
