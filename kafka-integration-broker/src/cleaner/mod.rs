//! Old records go: by age and size, or because their key has a newer one.
//!
//! A task of its own looks through all partitions again and again. It reads as
//! any reader does, and has the writer make the changes, so that nobody waits
//! for it longer than for another write.
//!
//! Where this is not Apache Kafka 4.1:
//! - There are no segments: whatever is committed may be deleted or compacted,
//!   batch by batch, the newest too. Only an open transaction and what follows
//!   it stays.
//! - Each round does both; it begins every 15 seconds unless told otherwise.
//! - Tombstones go when their time is over even where nothing new was written.
//! - `max.compaction.lag.ms` does nothing.

mod compactor;
#[cfg(test)]
mod compactor_tests;
mod partition;
mod retention;
#[cfg(test)]
mod store_tests;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::partition::{Known, Store};
use crate::clock::now_ms;
use crate::core::Core;
use crate::log::PartitionId;

/// Kafka's `producer.id.expiration.ms`, in ms.
const PRODUCER_EXPIRATION: i64 = 24 * 3_600_000;

/// Cleans until the broker stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut known = FxHashMap::default();
    let store = Store {
        reader: core.reader.clone(),
        writer: core.writer.clone(),
    };
    loop {
        let rest = tokio::time::sleep(core.options.cleaning_interval);
        tokio::select! {
            () = core.stopping.cancelled() => return,
            () = rest => {}
        }
        tokio::select! {
            () = core.stopping.cancelled() => return,
            () = round(&core, &store, &mut known) => {}
        }
    }
}

/// Looks once at every partition.
async fn round(core: &Core, store: &Store, known: &mut FxHashMap<PartitionId, Known>) {
    let mut seen = FxHashMap::default();
    for topic in core.catalogue.topics() {
        for partition in topic.partitions().iter() {
            let mut of_partition = known.remove(&partition.id).unwrap_or_default();
            let config = topic.config();
            let cleaned = of_partition
                .clean(store, partition, &config, now_ms())
                .await;
            if let Err(error) = cleaned {
                tracing::warn!(
                    topic = &*topic.name,
                    partition = partition.index,
                    %error,
                    "a partition was not cleaned"
                );
            }
            seen.insert(partition.id, of_partition);
        }
    }
    // What is left belongs to topics that are gone.
    *known = seen;
    let expiration = core.catalogue.broker().number("producer.id.expiration.ms");
    let expiration = expiration.unwrap_or(PRODUCER_EXPIRATION);
    let older_than = now_ms().saturating_sub(expiration);
    core.writer.forget_producers(older_than).await;
}
