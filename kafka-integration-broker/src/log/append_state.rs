use std::collections::{BTreeSet, VecDeque};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::records::{BatchHeader, advance};

/// Batches of one producer that are remembered, to recognise a repetition.
/// librdkafka and the Java client keep at most five requests in flight.
const REMEMBERED: usize = 5;

/// What the writer knows of a partition: where the next record goes, and who
/// has written.
#[derive(Debug, Default)]
pub(crate) struct AppendState {
    pub(crate) next_offset: i64,
    /// The greatest timestamp so far. Unlike the timestamps it never falls,
    /// so it can be searched.
    pub(crate) running_max_timestamp: Option<i64>,
    pub(crate) producers: FxHashMap<i64, Producer>,
    /// First offset and producer of each open transaction.
    pub(crate) open: BTreeSet<(i64, i64)>,
    pub(crate) deleted: bool,
}

/// One producer on one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Producer {
    pub(crate) epoch: i16,
    /// Oldest first, of the current epoch.
    pub(crate) seen: VecDeque<SeenBatch>,
    /// The first offset of the transaction that is open here.
    pub(crate) open_since: Option<i64>,
    /// The transaction coordinator added this partition to the producer's
    /// transaction. Not stored: the coordinator says so again after a restart.
    #[serde(skip)]
    pub(crate) in_transaction: bool,
    /// The coordinator named it, and it has written nothing since: its first
    /// batch may have any sequence number, because the ones before may have
    /// been forgotten.
    #[serde(default)]
    pub(crate) unheard: bool,
    /// Of the last marker.
    pub(crate) coordinator_epoch: i32,
    /// When the broker last heard of it here, in ms since 1970.
    pub(crate) last_timestamp: i64,
}

/// A batch that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenBatch {
    pub(crate) first_sequence: i32,
    pub(crate) last_sequence: i32,
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) timestamp: i64,
}

/// What a producer's batch is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SequenceError {
    #[error("out of order: sequence {found}, expected {expected}")]
    OutOfOrder { expected: i32, found: i32 },
    #[error("epoch {found} of the producer is over; it is at {current}")]
    Fenced { current: i16, found: i16 },
    #[error("the partition is not part of the producer's transaction")]
    NotInTransaction,
    #[error("a batch outside the transaction that its producer has open here")]
    OutsideTransaction,
}

/// What becomes of a producer's batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequenced {
    /// Append it.
    New,
    /// It was appended before, here.
    Duplicate(SeenBatch),
}

impl Producer {
    pub(crate) fn new(epoch: i16) -> Self {
        Self {
            epoch,
            seen: VecDeque::new(),
            open_since: None,
            in_transaction: false,
            unheard: false,
            coordinator_epoch: -1,
            last_timestamp: -1,
        }
    }

    /// A later epoch began: what was seen belongs to the one before, and
    /// sequences begin again at 0. An earlier epoch changes nothing.
    fn raise(&mut self, epoch: i16) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.seen.clear();
            self.unheard = false;
        }
    }

    /// The sequence number of the last record; -1 when the current epoch has
    /// none.
    pub(crate) fn last_sequence(&self) -> i32 {
        self.seen.back().map_or(-1, |seen| seen.last_sequence)
    }
}

impl AppendState {
    /// Decides about a batch that carries a producer id.
    pub(crate) fn sequence(&self, batch: &BatchHeader) -> Result<Sequenced, SequenceError> {
        let known = self.producers.get(&batch.producer_id);
        if let Some(known) = known {
            if batch.producer_epoch < known.epoch {
                return Err(SequenceError::Fenced {
                    current: known.epoch,
                    found: batch.producer_epoch,
                });
            }
            if batch.producer_epoch == known.epoch {
                let repeated = known.seen.iter().find(|seen| {
                    seen.first_sequence == batch.base_sequence
                        && seen.last_sequence == batch.last_sequence()
                });
                if let Some(seen) = repeated {
                    return Ok(Sequenced::Duplicate(*seen));
                }
            }
        }
        if batch.is_transactional()
            && !self.is_in_transaction(batch.producer_id, batch.producer_epoch)
        {
            return Err(SequenceError::NotInTransaction);
        }
        // Nothing is known of it, so any number is as good.
        let Some(known) = known else {
            return Ok(Sequenced::New);
        };
        let expected = match known.seen.back() {
            _ if batch.producer_epoch > known.epoch => 0,
            Some(last) => advance(last.last_sequence, 1),
            None if known.unheard => batch.base_sequence,
            // A marker was the last of it, and raised the epoch.
            None => 0,
        };
        if batch.base_sequence != expected {
            return Err(SequenceError::OutOfOrder {
                expected,
                found: batch.base_sequence,
            });
        }
        if !batch.is_transactional() && known.open_since.is_some() {
            return Err(SequenceError::OutsideTransaction);
        }
        Ok(Sequenced::New)
    }

    /// Whether the coordinator let the producer, with this epoch, write to
    /// this partition in a transaction that is still open.
    pub(crate) fn is_in_transaction(&self, producer_id: i64, epoch: i16) -> bool {
        self.producers
            .get(&producer_id)
            .is_some_and(|known| known.in_transaction && known.epoch == epoch)
    }

    /// Remembers a batch that was given `base_offset`.
    pub(crate) fn appended(&mut self, batch: &BatchHeader, base_offset: i64, now: i64) {
        let last_offset = base_offset + i64::from(batch.last_offset_delta);
        let producer = self
            .producers
            .entry(batch.producer_id)
            .or_insert_with(|| Producer::new(batch.producer_epoch));
        producer.raise(batch.producer_epoch);
        producer.unheard = false;
        producer.last_timestamp = now;
        if producer.seen.len() == REMEMBERED {
            producer.seen.pop_front();
        }
        producer.seen.push_back(SeenBatch {
            first_sequence: batch.base_sequence,
            last_sequence: batch.last_sequence(),
            base_offset,
            last_offset,
            timestamp: batch.max_timestamp,
        });
        if batch.is_transactional() && producer.open_since.is_none() {
            producer.open_since = Some(base_offset);
            self.open.insert((base_offset, batch.producer_id));
        }
    }

    /// The coordinator added this partition to a transaction of the producer.
    ///
    /// A producer that numbers anew for each transaction (transaction version
    /// 2) has to begin at 0 where nothing is known of it: `from_zero`.
    pub(crate) fn enter_transaction(&mut self, producer_id: i64, epoch: i16, from_zero: bool) {
        let producer = self.producers.entry(producer_id).or_insert_with(|| {
            let mut producer = Producer::new(epoch);
            producer.unheard = !from_zero;
            producer
        });
        producer.raise(epoch);
        producer.in_transaction = true;
    }

    /// A marker was written; returns where the transaction began here, if it
    /// wrote anything.
    pub(crate) fn end_transaction(
        &mut self,
        producer_id: i64,
        epoch: i16,
        coordinator_epoch: i32,
        now: i64,
    ) -> Option<i64> {
        let producer = self
            .producers
            .entry(producer_id)
            .or_insert_with(|| Producer::new(epoch));
        producer.raise(epoch);
        producer.in_transaction = false;
        producer.unheard = false;
        producer.coordinator_epoch = coordinator_epoch;
        producer.last_timestamp = now;
        let began = producer.open_since.take();
        if let Some(first) = began {
            self.open.remove(&(first, producer_id));
        }
        began
    }

    /// The first offset of the oldest open transaction.
    pub(crate) fn first_unstable(&self) -> Option<i64> {
        self.open.first().map(|(offset, _)| *offset)
    }
}

#[cfg(test)]
mod tests;
