//! Which partitions stand still in the client. Pausing purges what was
//! prefetched, and each pause leaves a little behind in the client's queue
//! (librdkafka #2703, #5218): it is done rarely, late, and counted.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::Offset;

use super::assignment::{Assigned, list_of};
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
        let wanted = wants_pause(assigned, limits, &share, somebody_waits);
        if wanted == assigned.paused {
            continue;
        }
        let list = list_of([&*assigned.partition]);
        let result = match wanted {
            true => consumer.pause(&list),
            false => consumer.resume(&list),
        };
        match result {
            Ok(()) => {
                assigned.paused = wanted;
                if wanted {
                    context.shared.counters.paused();
                    stand_back(consumer, assigned, &share);
                }
                tracing::debug!(
                    consumer = %context.shared.name,
                    partition = ?assigned.partition,
                    paused = wanted,
                    "partition"
                );
            }
            // Tried again at the next review.
            Err(error) => tracing::warn!(
                consumer = %context.shared.name,
                partition = ?assigned.partition,
                %error,
                "cannot pause or resume"
            ),
        }
    }
}

/// Has a paused partition give back what would only wait, so that the budget is
/// there for others. The client delivers it again once the partition goes on.
fn stand_back(consumer: &BaseConsumer<PollContext>, assigned: &Assigned, share: &Share) {
    let context = consumer.context();
    let partition = &assigned.partition;
    let shed = context.shared.lanes.shed(partition, share.messages / 2);
    let sequences = shed.iter().map(|work| work.sequence);
    let Some(offset) = partition.tracker().give_back(sequences) else {
        return;
    };
    let messages = shed.len();
    context.shared.drop_works(partition, shed);
    // Only after the pause, which sets the position itself. Without a timeout it
    // does not wait; nothing is fetched before the partition is resumed.
    let target = Offset::Offset(offset);
    if let Err(error) = consumer.seek(&partition.topic, partition.id, target, Duration::ZERO) {
        context.restart(format!("cannot seek {partition:?} to {offset}: {error}"));
    }
    tracing::debug!(
        consumer = %context.shared.name,
        ?partition,
        offset,
        messages,
        "given back while the partition stands still"
    );
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
        // It must come down well below what paused it and what it was left.
        window > limits.max_uncommitted / 2
            || messages > share.messages / 4
            || bytes > share.bytes / 4
    } else {
        window >= limits.max_uncommitted
            || (somebody_waits && (messages > share.messages || bytes > share.bytes))
    }
}
