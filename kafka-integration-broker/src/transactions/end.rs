//! EndTxn, and the end that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use super::Protocol;
use super::transaction::{Identity, State, Transaction, is_exhausted};

/// The end of a transaction, to be written in one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// Who the markers are from.
    pub(super) marker: Identity,
    pub(super) commit: bool,
    /// Where markers go.
    pub(super) partitions: BTreeMap<String, BTreeSet<i32>>,
    /// Whose offsets are decided.
    pub(super) groups: BTreeSet<String>,
    /// What is stored of the transactional id.
    pub(super) next: Transaction,
}

/// What becomes of a request to end a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Ends(Ending),
    /// It ended like that before; the producer is this from now on.
    Repeated(Identity),
    /// Ask again with a producer id that nobody has had.
    NeedsProducerId,
}

/// Decides about the producer `who` that wants to commit or abort.
pub(super) fn end(
    current: &Transaction,
    who: Identity,
    commit: bool,
    protocol: Protocol,
    fresh: Option<i64>,
    now: i64,
) -> Result<End, ResponseError> {
    match protocol {
        Protocol::V1 => end_version_1(current, who, commit, now),
        Protocol::V2 => end_version_2(current, who, commit, fresh, now),
    }
}

/// The epoch stays, so a repetition looks like the first request.
fn end_version_1(
    current: &Transaction,
    who: Identity,
    commit: bool,
    now: i64,
) -> Result<End, ResponseError> {
    if who.producer_id != current.producer_id {
        return Err(ResponseError::InvalidProducerIdMapping);
    }
    if who.epoch != current.epoch {
        return Err(ResponseError::ProducerFenced);
    }
    match current.state {
        State::Ongoing => Ok(End::Ends(ending(current, who, commit, now))),
        ended if ended == complete(commit) => Ok(End::Repeated(who)),
        State::Empty | State::CompleteCommit | State::CompleteAbort => {
            Err(ResponseError::InvalidTxnState)
        }
    }
}

/// Every end raises the epoch, so a repetition comes with the one before.
fn end_version_2(
    current: &Transaction,
    who: Identity,
    commit: bool,
    fresh: Option<i64>,
    now: i64,
) -> Result<End, ResponseError> {
    let got_new_id = who.producer_id == current.previous_producer_id
        && who.producer_id != current.producer_id
        && is_exhausted(who.epoch)
        && current.epoch == 0;
    if who.producer_id != current.producer_id && !got_new_id {
        return Err(ResponseError::InvalidProducerIdMapping);
    }
    let is_complete = matches!(current.state, State::CompleteCommit | State::CompleteAbort);
    let got_epoch = i32::from(who.epoch) + 1 == i32::from(current.epoch);
    if is_complete && (got_new_id || got_epoch) {
        return if current.state == complete(commit) {
            Ok(End::Repeated(current.identity()))
        } else {
            Err(ResponseError::InvalidTxnState)
        };
    }
    if who != current.identity() {
        return Err(ResponseError::ProducerFenced);
    }
    // Nothing may have been written, or what was written may have failed: a
    // producer aborts without knowing. It doesn't commit without knowing.
    if commit && !current.is_ongoing() {
        return Err(ResponseError::InvalidTxnState);
    }
    let marker = Identity {
        epoch: who.epoch.saturating_add(1),
        ..who
    };
    let mut ending = ending(current, marker, commit, now);
    if !current.is_ongoing() {
        ending.next.started = now;
    }
    if is_exhausted(current.epoch) {
        let Some(fresh) = fresh else {
            return Ok(End::NeedsProducerId);
        };
        ending.next.producer_id = fresh;
        ending.next.epoch = 0;
    }
    ending.next.previous_producer_id = current.producer_id;
    Ok(End::Ends(ending))
}

/// Aborts at the next epoch, which fences the producer. When it only was slow
/// it may go on: its own epoch is then the one before, which InitProducerId
/// accepts.
pub(super) fn abort_at_next_epoch(current: &Transaction, now: i64) -> Ending {
    let marker = Identity {
        epoch: current.epoch.saturating_add(1),
        ..current.identity()
    };
    ending(current, marker, false, now)
}

fn ending(current: &Transaction, marker: Identity, commit: bool, now: i64) -> Ending {
    let raised = marker.epoch != current.epoch;
    Ending {
        marker,
        commit,
        partitions: current.partitions.clone(),
        groups: current.groups.clone(),
        next: Transaction {
            epoch: marker.epoch,
            last_epoch: if raised {
                current.epoch
            } else {
                current.last_epoch
            },
            state: complete(commit),
            partitions: BTreeMap::new(),
            groups: BTreeSet::new(),
            version_2: false,
            updated: now,
            ..current.clone()
        },
    }
}

fn complete(commit: bool) -> State {
    if commit {
        State::CompleteCommit
    } else {
        State::CompleteAbort
    }
}
