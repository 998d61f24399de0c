//! Finding records by time.

use bytes::Bytes;

use super::Partition;
use crate::records::{BatchHeader, first_at_or_after, greatest_timestamp};
use crate::store::{Reader, StorageError};

/// A record's timestamp and offset.
type Found = Option<(i64, i64)>;

impl Partition {
    /// The first record, in offset order, whose timestamp is `timestamp` or
    /// later.
    pub(crate) async fn first_since(
        &self,
        reader: &Reader,
        timestamp: i64,
    ) -> Result<Found, StorageError> {
        let start = self.view(|view| view.log_start);
        let mut from = start;
        // A batch may be found for the sake of one before it that is gone, or
        // hold the record before the log's start: then a later one has it.
        while let Some(batch) = self.batch_reaching(reader, from, timestamp).await? {
            let found = first_at_or_after(&batch, timestamp, start);
            if found.is_some() {
                return Ok(found);
            }
            let Some(header) = BatchHeader::read(&batch) else {
                break;
            };
            from = header.last_offset() + 1;
        }
        Ok(None)
    }

    async fn batch_reaching(
        &self,
        reader: &Reader,
        from: i64,
        timestamp: i64,
    ) -> Result<Option<Bytes>, StorageError> {
        if !reader.is_memory() {
            return reader.first_reaching(self.id, from, timestamp).await;
        }
        Ok(self.view(|view| {
            let mut batches = view.tail.from(from);
            batches
                .find(|batch| batch.max_timestamp >= timestamp)
                .map(|batch| batch.bytes.clone())
        }))
    }

    /// The first record among those with the greatest timestamp.
    pub(crate) async fn greatest_timestamp(&self, reader: &Reader) -> Result<Found, StorageError> {
        let start = self.view(|view| view.log_start);
        let batch = if reader.is_memory() {
            self.view(|view| {
                let mut best = None::<&super::StoredBatch>;
                for batch in view.tail.from(start) {
                    if best.is_none_or(|best| batch.max_timestamp > best.max_timestamp) {
                        best = Some(batch);
                    }
                }
                best.map(|batch| batch.bytes.clone())
            })
        } else {
            reader.with_greatest_timestamp(self.id, start).await?
        };
        Ok(batch.and_then(|batch| greatest_timestamp(&batch)))
    }
}
