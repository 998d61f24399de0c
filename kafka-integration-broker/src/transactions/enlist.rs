//! What joins a transaction, and who may write in it.

use kafka_protocol::ResponseError;

use super::Protocol;
use super::transaction::{Identity, State, Transaction};

/// Whether `who` is the producer that this transactional id belongs to now.
pub(super) fn check(current: &Transaction, who: Identity) -> Result<(), ResponseError> {
    if who.producer_id != current.producer_id {
        Err(ResponseError::InvalidProducerIdMapping)
    } else if who.epoch != current.epoch {
        Err(ResponseError::ProducerFenced)
    } else {
        Ok(())
    }
}

/// Takes partitions and a group into the transaction, and begins one if none
/// is open. `None` when all of them were in it.
pub(super) fn enlist<'a>(
    current: &Transaction,
    who: Identity,
    partitions: impl Iterator<Item = (&'a str, i32)>,
    group: Option<&str>,
    protocol: Protocol,
    now: i64,
) -> Result<Option<Transaction>, ResponseError> {
    check(current, who)?;
    let mut next = current.clone();
    let mut changed = false;
    if !current.is_ongoing() {
        next.state = State::Ongoing;
        next.started = now;
        next.version_2 = protocol == Protocol::V2;
        changed = true;
    }
    for (topic, index) in partitions {
        changed |= match next.partitions.get_mut(topic) {
            Some(indexes) => indexes.insert(index),
            None => {
                next.partitions.insert(topic.to_owned(), [index].into());
                true
            }
        };
    }
    if let Some(group) = group
        && !next.groups.contains(group)
    {
        next.groups.insert(group.to_owned());
        changed = true;
    }
    next.updated = now;
    Ok(changed.then_some(next))
}

/// Whether offsets of `group` may be committed within the open transaction.
pub(super) fn check_group(
    current: &Transaction,
    who: Identity,
    group: &str,
) -> Result<(), ResponseError> {
    check(current, who)?;
    if current.is_ongoing() && current.groups.contains(group) {
        Ok(())
    } else {
        Err(ResponseError::TransactionAbortable)
    }
}
