//! InitProducerId: who a producer is from now on.

use kafka_protocol::ResponseError;

use super::MAX_TIMEOUT_MS;
use super::end::{Ending, abort_at_next_epoch};
use super::transaction::{Identity, State, Transaction, is_exhausted};

/// What becomes of a request for an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Init {
    /// This is stored, and its identity is the answer.
    Given(Transaction),
    /// A transaction is open. It is aborted, and the producer asks again.
    AbortFirst(Ending),
    /// Ask again with a producer id that nobody has had.
    NeedsProducerId,
}

/// Decides for the transactional id whose state is `current`.
///
/// `claimed` is what the producer says it is, when it recovers from an error
/// instead of starting.
pub(super) fn init(
    current: Option<&Transaction>,
    timeout_ms: i32,
    claimed: Option<Identity>,
    fresh: Option<i64>,
    now: i64,
) -> Result<Init, ResponseError> {
    if timeout_ms <= 0 || timeout_ms > MAX_TIMEOUT_MS {
        return Err(ResponseError::InvalidTransactionTimeout);
    }
    // Whatever the producer claims to be, this id is forgotten or new.
    let Some(current) = current else {
        return Ok(fresh.map_or(Init::NeedsProducerId, |id| {
            Init::Given(Transaction::new(id, timeout_ms, now))
        }));
    };
    let next = match claimed {
        None => Next::Epoch { last: -1 },
        Some(claimed) => answer_to(claimed, current)?,
    };
    if current.is_ongoing() {
        return Ok(Init::AbortFirst(abort_at_next_epoch(current, now)));
    }
    let mut given = Transaction {
        timeout_ms,
        state: State::Empty,
        started: -1,
        updated: now,
        ..current.clone()
    };
    match next {
        // The last epoch of all only ever fences: nobody works with it.
        Next::Same if current.epoch < i16::MAX => {}
        Next::Epoch { last } if !is_exhausted(current.epoch) => {
            given.epoch += 1;
            given.last_epoch = last;
        }
        Next::Same | Next::Epoch { .. } => {
            let Some(fresh) = fresh else {
                return Ok(Init::NeedsProducerId);
            };
            given.previous_producer_id = current.producer_id;
            given.producer_id = fresh;
            given.epoch = 0;
            given.last_epoch = claimed.map_or(-1, |claimed| claimed.epoch);
        }
    }
    Ok(Init::Given(given))
}

enum Next {
    /// The answer to the request before was lost; it is given again.
    Same,
    Epoch {
        last: i16,
    },
}

fn answer_to(claimed: Identity, current: &Transaction) -> Result<Next, ResponseError> {
    let known = claimed.producer_id == current.producer_id
        // It had the last epoch, and the answer with its new id was lost.
        || (claimed.producer_id == current.previous_producer_id && is_exhausted(claimed.epoch));
    if known && claimed == current.identity() {
        Ok(Next::Epoch {
            last: current.epoch,
        })
    } else if known && claimed.epoch == current.last_epoch {
        Ok(Next::Same)
    } else {
        Err(ResponseError::ProducerFenced)
    }
}
