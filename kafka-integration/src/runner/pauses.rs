//! Which partitions stand still in the client. Pausing purges what was
//! prefetched, and each pause leaves a little behind in the client's queue
//! (librdkafka #2703, #5218): it is done rarely, late, and counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::Offset;

use super::assignment::{Assigned, list_of};
use super::partition::Partition;
use super::poll::Limits;
use super::rebalance::PollContext;
use crate::native;

/// How long the budget must have been used up before the partitions that use
/// most of it are looked for.
const PATIENCE: Duration = Duration::from_millis(300);

/// Pauses and resumes what has to be.
pub(super) fn review(
    consumer: &BaseConsumer<PollContext>,
    limits: &Limits,
    starved_since: Option<Instant>,
) {
    let context = consumer.context();
    let starved = starved_since.is_some_and(|since| since.elapsed() >= PATIENCE);
    let mut assignment = context.assignment.lock();
    let share = Share {
        messages: (limits.max_in_flight / assignment.len().max(1)).max(1),
        bytes: (limits.max_in_flight_bytes / assignment.len().max(1)).max(1),
    };
    // Backpressure over all partitions needs no pause. Only when one is starved
    // by others that hold more than their share do those have to stand back.
    let somebody_waits = starved && assignment.iter().any(|a| waits(consumer, a));
    for assigned in assignment.iter_mut() {
        let partition = Arc::clone(&assigned.partition);
        let standing = match assigned.paused {
            true => context.shared.lanes.standing(&partition),
            false => 0,
        };
        let wanted = wants_pause(assigned, limits, &share, somebody_waits, standing);
        let result = match (assigned.paused, wanted) {
            (false, true) => pause(consumer, &partition),
            (true, false) => go_on(consumer, &partition),
            (false, false) if partition.wants_rewind() => {
                pause(consumer, &partition).and_then(|()| go_on(consumer, &partition))
            }
            _ => Ok(()),
        };
        match result {
            Ok(()) => assigned.paused = wanted,
            // Whether it stands or goes is not known any more.
            Err(error) => {
                context.restart(format!(
                    "cannot pause, seek or resume {partition:?}: {error}"
                ));
            }
        }
        if starved || wanted {
            let keep = if wanted {
                share.messages / 2
            } else {
                usize::MAX
            };
            let shed = context.shared.lanes.shed(&partition, keep);
            context.shared.give_back(&partition, shed);
        }
    }
}

fn pause(consumer: &BaseConsumer<PollContext>, partition: &Partition) -> KafkaResult<()> {
    let shared = &consumer.context().shared;
    tracing::debug!(consumer = %shared.name, ?partition, "paused");
    shared.counters.paused();
    consumer.pause(&list_of([partition]))
}

/// Resumes a partition. What it gave back is delivered again: the client is
/// sent back, after the pause (which sets the position itself) and before the
/// resumption.
fn go_on(consumer: &BaseConsumer<PollContext>, partition: &Arc<Partition>) -> KafkaResult<()> {
    let shared = &consumer.context().shared;
    if partition.take_rewind() {
        shared.lanes.rewound(partition);
        let offset = partition.tracker().rewind();
        if let Some(offset) = offset {
            tracing::debug!(consumer = %shared.name, ?partition, offset, "rewound");
            // Without a timeout it only starts the seek, and does not wait.
            let target = Offset::Offset(offset);
            consumer.seek(&partition.topic, partition.id, target, Duration::ZERO)?;
        }
    }
    tracing::debug!(consumer = %shared.name, ?partition, "resumed");
    consumer.resume(&list_of([&**partition]))
}

/// A partition's equal part of what may be in flight.
struct Share {
    messages: usize,
    bytes: usize,
}

/// Whether a partition has nothing in flight though it has messages, as far as
/// the client knows.
fn waits(consumer: &BaseConsumer<PollContext>, assigned: &Assigned) -> bool {
    let partition = &assigned.partition;
    if assigned.paused || partition.outstanding() > 0 {
        return false;
    }
    let position = partition.tracker().position();
    match native::cached_high_watermark(consumer, &partition.topic, partition.id) {
        Some(end) => position.map_or(end > 0, |position| position < end),
        None => true,
    }
}

fn wants_pause(
    assigned: &mut Assigned,
    limits: &Limits,
    share: &Share,
    somebody_waits: bool,
    standing: usize,
) -> bool {
    if let Some(predecessor) = &assigned.predecessor {
        if predecessor.outstanding() > 0 {
            return true;
        }
        assigned.predecessor = None;
    }
    let partition = &assigned.partition;
    let window = partition.tracker().window();
    let (messages, bytes) = (partition.outstanding(), partition.bytes());
    if assigned.paused {
        // It must come down well below what paused it and what it was left, but
        // for keys that stand still: others of the partition must go on.
        window > limits.max_uncommitted / 2
            || messages.saturating_sub(standing) > share.messages / 4
            || (bytes > share.bytes / 4 && standing == 0)
    } else {
        window >= limits.max_uncommitted
            || (somebody_waits && (messages > share.messages || bytes > share.bytes))
    }
}
