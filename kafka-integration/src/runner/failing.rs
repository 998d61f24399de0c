//! A failed message's fate: the one place where a verdict becomes an act.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lanes::Lane;
use super::moves::Destination;
use super::partition::Partition;
use super::raw::Work;
use super::shared::Shared;
use crate::commit_record::FailedAttempt;
use crate::retry::{Failure, Verdict};

/// What the message's lane has to do.
pub(super) enum Failed {
    /// The message is to be tried again at that time, and its lane waits for
    /// it: the caller parks both.
    Waits(Work, Instant),
    /// The message is on its way elsewhere; its lane goes on.
    Moves(Lane),
}

impl Shared {
    /// Decides about a message whose attempt failed, and says so in the log.
    pub(super) fn failed(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        work: Work,
        failure: &Failure,
    ) -> Failed {
        let says = partition.rules.policy.logs(work.attempt);
        self.failed_quietly(partition, work, failure, says)
    }

    /// The same; without `says`, only what becomes a dead letter is in the log.
    pub(super) fn failed_quietly(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        mut work: Work,
        failure: &Failure,
        says: bool,
    ) -> Failed {
        let policy = &partition.rules.policy;
        let verdict = policy.decide(work.attempt, failure);
        self.counters.failed();
        work.failed_now();
        let destination = match verdict {
            Verdict::RetryAfter(delay) => {
                if says {
                    self.log_retry(partition, &work, delay, failure);
                }
                // Attempts and due time outlive this process.
                let noted = FailedAttempt::now(work.attempt, delay);
                partition.tracker().note_failure(work.sequence, noted);
                return Failed::Waits(work, Instant::now() + delay);
            }
            Verdict::Move { level, delay } => {
                if says {
                    self.log_retry(partition, &work, delay, failure);
                }
                Destination::Retry { level, delay }
            }
            Verdict::DeadLetter(reason) => {
                tracing::error!(
                    consumer = %self.name,
                    topic = %partition.topic,
                    partition = partition.id,
                    offset = work.message.offset(),
                    attempt = work.attempt,
                    reason = reason.as_str(),
                    "to the dead-letter topic: {failure}"
                );
                Destination::DeadLetter(reason)
            }
        };
        let lane = work.lane;
        self.move_away(partition, work, destination, failure);
        Failed::Moves(lane)
    }

    fn log_retry(&self, partition: &Partition, work: &Work, delay: Duration, failure: &Failure) {
        tracing::warn!(
            consumer = %self.name,
            topic = %partition.topic,
            partition = partition.id,
            offset = work.message.offset(),
            attempt = work.attempt,
            retry_in_ms = delay.as_millis() as u64,
            "{failure}"
        );
    }
}
