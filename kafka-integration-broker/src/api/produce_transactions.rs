//! What Produce has to do with the transaction coordinator.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use crate::core::RequestContext;
use crate::log::Partition;
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
/// transaction. Returns, batch by batch, why one may not be written.
pub(super) async fn begin(
    cx: &RequestContext,
    id: &str,
    batches: &[(Arc<Partition>, ValidBatch)],
) -> Vec<Option<ResponseError>> {
    let mut refused = vec![None; batches.len()];
    let mut asked: Vec<Identity> = Vec::new();
    // A request comes from one producer, so this goes around once.
    while let Some(who) = batches
        .iter()
        .filter(|(partition, batch)| must_ask(partition, batch))
        .map(|(_, batch)| Identity::from(batch))
        .find(|who| !asked.contains(who))
    {
        asked.push(who);
        let is_of =
            |batch: &ValidBatch| batch.header.is_transactional() && Identity::from(batch) == who;
        let partitions = batches
            .iter()
            .filter(|(_, batch)| is_of(batch))
            .map(|(partition, _)| Arc::clone(partition))
            .collect();
        let transactions = &cx.core.transactions;
        let added = transactions.add_partitions(id, who, partitions, Protocol::V2);
        if let Err(error) = added.await {
            for (place, (_, batch)) in refused.iter_mut().zip(batches) {
                if is_of(batch) {
                    *place = Some(as_producer_knows(error));
                }
            }
        }
    }
    refused
}

/// Whether the coordinator hasn't let this producer in yet.
fn must_ask(partition: &Partition, batch: &ValidBatch) -> bool {
    let header = &batch.header;
    header.is_transactional()
        && !partition.append_state(|state| {
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
