//! Which partitions stand still in the client. Pausing purges what was
//! prefetched, and each pause leaves a little behind in the client's queue
//! (librdkafka #2703, #5218): it is done rarely, late, and counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;

use super::assignment::{Assigned, Pause, list_of};
use super::lanes::Keep;
use super::partition::Partition;
use super::poll::Limits;
use super::rebalance::PollContext;
use crate::native;

/// How long the budget must have been used up before the partitions that use
/// most of it are looked for.
const PATIENCE: Duration = Duration::from_millis(300);

/// The shortest time between two rewinds of a partition.
const BETWEEN_REWINDS: Duration = Duration::from_secs(1);

/// A rewind that takes longer than this is not waited for.
const LONG_REWIND: Duration = Duration::from_secs(10);

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
            Some(_) => context.shared.lanes.standing(&partition),
            None => 0,
        };
        let wanted = wants_pause(assigned, limits, &share, somebody_waits, standing);
        let result = match (assigned.paused, wanted) {
            (None, Some(_)) => pause(consumer, &partition).map(|()| wanted),
            (Some(_), None) => go_on(consumer, assigned),
            // What fills it is only done once it is delivered again.
            (Some(Pause::Window | Pause::Record), Some(_)) if may_rewind(assigned) => {
                go_on(consumer, assigned)
            }
            (None, None) if may_rewind(assigned) => {
                pause(consumer, &partition).and_then(|()| go_on(consumer, assigned))
            }
            _ => Ok(wanted),
        };
        match result {
            Ok(paused) => assigned.paused = paused,
            // Whether it stands or goes is not known any more.
            Err(error) => {
                context.restart(format!(
                    "cannot pause, seek or resume {partition:?}: {error}"
                ));
            }
        }
        if wanted == Some(Pause::Waiting) && holds_more(&partition, &share) {
            // The rest is due later still, and nobody else's room.
            let shed = context.shared.parked.shed(&partition, share.waiting());
            if !shed.is_empty() {
                partition.want_rewind();
                context.shared.give_back(&partition, shed);
            }
        }
        if starved || wanted.is_some() {
            let keep = match wanted {
                Some(_) => share.part(2),
                None => Keep {
                    messages: usize::MAX,
                    bytes: usize::MAX,
                },
            };
            let shed = context.shared.lanes.shed(&partition, keep);
            context.shared.give_back(&partition, shed);
        }
    }
}

/// Whether it is time to send the client back. One rewind at a time, unless
/// the last one never ended because its last message is gone.
fn may_rewind(assigned: &Assigned) -> bool {
    let recent = |span| assigned.rewound.is_some_and(|at| at.elapsed() < span);
    assigned.partition.wants_rewind()
        && !recent(BETWEEN_REWINDS)
        && !(recent(LONG_REWIND) && assigned.partition.tracker().is_rewinding())
}

fn pause(consumer: &BaseConsumer<PollContext>, partition: &Partition) -> KafkaResult<()> {
    let shared = &consumer.context().shared;
    tracing::debug!(consumer = %shared.name, ?partition, "paused");
    shared.counters.paused();
    consumer.pause(&list_of([partition]))
}

/// Resumes a partition. What it gave back is delivered again: the client is
/// sent back, after the pause (which sets the position itself) and before the
/// resumption. Returns why it is still paused, when it is.
fn go_on(
    consumer: &BaseConsumer<PollContext>,
    assigned: &mut Assigned,
) -> KafkaResult<Option<Pause>> {
    let shared = &consumer.context().shared;
    let partition = &assigned.partition;
    if partition.take_rewind() {
        let lowest = partition.tracker().lowest_returned();
        if let Some(offset) = lowest {
            if let Err(error) = native::seek(consumer, &partition.topic, partition.id, offset) {
                // Another operation of the client came between. Going on without
                // would let later messages overtake those that were given back.
                tracing::debug!(consumer = %shared.name, ?partition, %error, "not rewound yet");
                partition.want_rewind();
                return Ok(assigned.paused.or(Some(Pause::Share)));
            }
            tracing::debug!(consumer = %shared.name, ?partition, offset, "rewound");
            shared.lanes.rewound(partition);
            partition.tracker().begin_rewind(offset);
            assigned.rewound = Some(Instant::now());
        }
    }
    tracing::debug!(consumer = %shared.name, partition = ?assigned.partition, "resumed");
    consumer.resume(&list_of([&*assigned.partition]))?;
    Ok(None)
}

/// A partition's equal part of what may be in flight.
struct Share {
    messages: usize,
    bytes: usize,
}

impl Share {
    /// What may wait for its time: one message, whatever its size, or half.
    fn waiting(&self) -> Keep {
        let half = self.part(2);
        Keep {
            messages: half.messages.max(1),
            ..half
        }
    }

    /// So manieth of it.
    fn part(&self, divisor: usize) -> Keep {
        Keep {
            messages: self.messages / divisor,
            bytes: self.bytes / divisor,
        }
    }
}

/// Whether a partition has nothing in flight though it has messages, as far as
/// the client knows.
fn waits(consumer: &BaseConsumer<PollContext>, assigned: &Assigned) -> bool {
    let partition = &assigned.partition;
    if assigned.paused.is_some() || partition.outstanding() > 0 {
        return false;
    }
    let position = partition.tracker().position().or(assigned.idle_end);
    match native::cached_high_watermark(consumer, &partition.topic, partition.id) {
        Some(end) => position.map_or(end > 0, |position| position < end),
        // Not fetched yet: what the others hold may be the reason.
        None => true,
    }
}

/// Whether more waits for its time than should. In a retry topic messages are due
/// one after another: to hold many of them takes the room of other topics.
fn holds_more(partition: &Partition, share: &Share) -> bool {
    let ((messages, bytes), most) = (partition.waiting(), share.waiting());
    messages > most.messages || (bytes > most.bytes && messages > 1)
}

/// Whether so little waits that more should be fetched.
fn holds_little(partition: &Partition, share: &Share) -> bool {
    let ((messages, bytes), least) = (partition.waiting(), share.part(4));
    messages == 0 || (messages <= least.messages && bytes <= least.bytes)
}

fn wants_pause(
    assigned: &mut Assigned,
    limits: &Limits,
    share: &Share,
    somebody_waits: bool,
    standing: usize,
) -> Option<Pause> {
    if let Some(predecessor) = &assigned.predecessor {
        if predecessor.outstanding() > 0 {
            return Some(Pause::Predecessor);
        }
        assigned.predecessor = None;
    }
    let partition = &assigned.partition;
    // What is finished and recorded is done: it costs nothing.
    let left_out = usize::try_from(assigned.left_out).unwrap_or(usize::MAX);
    let (unfinished, rewinding) = {
        let tracker = partition.tracker();
        (tracker.unfinished(), tracker.is_rewinding())
    };
    let window = unfinished.saturating_add(left_out);
    let (messages, bytes) = (partition.outstanding(), partition.bytes());
    // Once paused, it must come down well below what paused it, but for keys
    // that stand still: others of the partition must go on.
    let goes_on = match assigned.paused {
        None | Some(Pause::Predecessor) => true,
        Some(Pause::Window) => window <= limits.max_uncommitted / 2,
        Some(Pause::Record) => left_out <= limits.max_in_flight / 2,
        Some(Pause::Waiting) => holds_little(partition, share),
        Some(Pause::Refused) => partition.refused() == 0,
        Some(Pause::Share) => {
            messages.saturating_sub(standing) <= share.messages / 4
                && (bytes <= share.bytes / 4 || standing > 0)
        }
    };
    if !goes_on {
        return assigned.paused;
    }
    // While it is sent back, nothing is added.
    if window >= limits.max_uncommitted && !rewinding {
        return Some(Pause::Window);
    }
    if left_out > limits.max_in_flight && !rewinding {
        return Some(Pause::Record);
    }
    if partition.refused() > 0 {
        return Some(Pause::Refused);
    }
    if partition.rules.is_retry && holds_more(partition, share) {
        return Some(Pause::Waiting);
    }
    let above = messages > share.messages || bytes > share.bytes;
    (above && somebody_waits && assigned.paused.is_none()).then_some(Pause::Share)
}
