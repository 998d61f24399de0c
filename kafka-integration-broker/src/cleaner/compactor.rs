//! What compaction leaves of each batch.

use std::ops::ControlFlow;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::log::{AbortedTransaction, AppendState, StoredBatch};
use crate::records::{BatchHeader, Unreadable, WholeRecord, rewrite, visit_records};

/// Bytes of keys that are held at a time. More keys take more rounds.
const MOST_KEY_BYTES: usize = 64 << 20;
/// What a key takes beside its bytes.
const KEY_OVERHEAD: usize = 64;

/// A producer's place in the log, by which the broker knows its sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastBatch {
    epoch: i16,
    /// `None` when only its marker is known.
    last_offset: Option<i64>,
}

/// The producers that may go on writing.
pub(super) fn producers(state: &AppendState) -> FxHashMap<i64, LastBatch> {
    let producers = state.producers.iter();
    producers
        .map(|(id, producer)| {
            let last = LastBatch {
                epoch: producer.epoch,
                last_offset: producer.seen.back().map(|seen| seen.last_offset),
            };
            (*id, last)
        })
        .collect()
}

/// What becomes of a batch.
#[derive(Debug)]
pub(super) enum Fate {
    Stays,
    Changes(StoredBatch),
    Goes,
}

/// One round over one partition: first it learns where each key's newest
/// record is, then it decides about batches, oldest first.
#[derive(Debug)]
pub(super) struct Compactor {
    newest: FxHashMap<Box<[u8]>, i64>,
    key_bytes: usize,
    aborted: FxHashMap<i64, Vec<(i64, i64)>>,
    producers: FxHashMap<i64, LastBatch>,
    /// Producers of which transactional records came since their last marker.
    in_transaction: FxHashSet<i64>,
    now: i64,
    delete_retention_ms: i64,
    due: Option<i64>,
}

impl Compactor {
    pub(super) fn new(
        aborted: &[AbortedTransaction],
        producers: FxHashMap<i64, LastBatch>,
        delete_retention_ms: i64,
        now: i64,
    ) -> Self {
        let mut by_producer: FxHashMap<i64, Vec<(i64, i64)>> = FxHashMap::default();
        for one in aborted {
            let of_producer = by_producer.entry(one.producer_id).or_default();
            of_producer.push((one.first_offset, one.last_offset));
        }
        Self {
            newest: FxHashMap::default(),
            key_bytes: 0,
            aborted: by_producer,
            producers,
            in_transaction: FxHashSet::default(),
            now,
            delete_retention_ms,
            due: None,
        }
    }

    /// When a tombstone that stays may go, in ms since 1970.
    pub(super) fn due(&self) -> Option<i64> {
        self.due
    }

    /// Notes where the newest record of each key in `batch` is; returns
    /// whether there is room for more.
    pub(super) fn learn(&mut self, batch: &[u8]) -> bool {
        let Some(header) = BatchHeader::read(batch) else {
            return true;
        };
        if header.is_control() || self.is_aborted(&header) {
            return true;
        }
        let (newest, key_bytes) = (&mut self.newest, &mut self.key_bytes);
        let read = visit_records(&header, batch, |record| {
            if let Some(key) = record.key {
                match newest.get_mut(key) {
                    Some(offset) => *offset = record.info.offset,
                    None => {
                        *key_bytes += key.len() + KEY_OVERHEAD;
                        newest.insert(key.into(), record.info.offset);
                    }
                }
            }
            ControlFlow::Continue(())
        });
        report(&header, read);
        self.key_bytes < MOST_KEY_BYTES
    }

    fn is_aborted(&self, header: &BatchHeader) -> bool {
        header.is_transactional()
            && self.aborted.get(&header.producer_id).is_some_and(|of| {
                of.iter()
                    .any(|(first, last)| (*first..=*last).contains(&header.base_offset))
            })
    }

    /// Decides about the next batch.
    pub(super) fn decide(&mut self, batch: &Bytes) -> Fate {
        let Some(header) = BatchHeader::read(batch) else {
            return Fate::Stays;
        };
        let decided = if header.is_control() {
            self.marker(&header, batch)
        } else {
            self.data(&header, batch)
        };
        match decided {
            Ok(fate) => fate,
            // What can't be read can't be judged, so it stays.
            Err(error) => {
                report(&header, Err(error));
                Fate::Stays
            }
        }
    }

    /// A marker stays as long as records of its transaction are in the log,
    /// and then as long as a tombstone would.
    fn marker(&mut self, header: &BatchHeader, batch: &Bytes) -> Result<Fate, Unreadable> {
        if self.in_transaction.remove(&header.producer_id) {
            return Ok(Fate::Stays);
        }
        match header.delete_horizon() {
            None => {
                let horizon = self.now.saturating_add(self.delete_retention_ms);
                let fate = changed(header, rewrite(header, batch, Some(horizon), |_| true)?);
                self.remember(horizon);
                Ok(fate)
            }
            Some(horizon) if horizon > self.now => {
                self.remember(horizon);
                Ok(Fate::Stays)
            }
            Some(_) if self.is_last_of_producer(header) => {
                if header.count == 0 {
                    return Ok(Fate::Stays);
                }
                Ok(changed(header, rewrite(header, batch, None, |_| false)?))
            }
            Some(_) => Ok(Fate::Goes),
        }
    }

    fn data(&mut self, header: &BatchHeader, batch: &Bytes) -> Result<Fate, Unreadable> {
        if header.is_transactional() {
            self.in_transaction.insert(header.producer_id);
        }
        let horizon = header.delete_horizon();
        let tombstones_stay = horizon.is_none_or(|horizon| horizon > self.now);
        let aborted = self.is_aborted(header);
        let newest = &self.newest;
        let stays = |record: &WholeRecord<'_>| {
            let Some(key) = record.key else {
                return false;
            };
            let is_newest = newest
                .get(key)
                .is_none_or(|offset| record.info.offset >= *offset);
            !aborted && is_newest && (record.info.has_value || tombstones_stay)
        };
        let (mut kept, mut tombstones) = (0, false);
        visit_records(header, batch, |record| {
            if stays(&record) {
                kept += 1;
                tombstones |= !record.info.has_value;
            }
            ControlFlow::Continue(())
        })?;
        if kept == 0 {
            if !self.is_last_of_producer(header) {
                return Ok(Fate::Goes);
            }
            if header.count == 0 {
                return Ok(Fate::Stays);
            }
        }
        // Tombstones are given their time when they are first met.
        let new_horizon = self.now.saturating_add(self.delete_retention_ms);
        let new_horizon = (tombstones && horizon.is_none()).then_some(new_horizon);
        let fate = if kept == header.count && new_horizon.is_none() {
            Fate::Stays
        } else {
            changed(header, rewrite(header, batch, new_horizon, stays)?)
        };
        if let Some(horizon) = horizon.or(new_horizon).filter(|_| tombstones) {
            self.remember(horizon);
        }
        Ok(fate)
    }

    /// Its sequence must stay known, whatever becomes of its records.
    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        let last = self.producers.get(&header.producer_id);
        header.has_producer()
            && last.is_some_and(|last| match last.last_offset {
                Some(offset) => offset == header.last_offset(),
                None => header.is_control() && last.epoch == header.producer_epoch,
            })
    }

    fn remember(&mut self, horizon: i64) {
        self.due = Some(self.due.map_or(horizon, |due| due.min(horizon)));
    }
}

fn changed(header: &BatchHeader, bytes: Bytes) -> Fate {
    let max_timestamp =
        BatchHeader::read(&bytes).map_or(header.max_timestamp, |new| new.max_timestamp);
    Fate::Changes(StoredBatch {
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        max_timestamp,
        bytes,
    })
}

fn report(header: &BatchHeader, read: Result<(), Unreadable>) {
    if let Err(error) = read {
        tracing::warn!(offset = header.base_offset, %error, "a stored batch could not be read");
    }
}
