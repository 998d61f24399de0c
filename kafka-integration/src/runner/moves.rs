//! Messages on their way to a retry topic or the dead-letter topic. One is
//! finished only when the broker has acknowledged it there.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode as Code;

use super::partition::Partition;
use super::queue_turns::QueueTurn;
use super::raw::Work;
use super::shared::Shared;
use super::status::Stopped;
use crate::kafka::ClientError;
use crate::message::Timestamp;
use crate::producer::Outgoing;
use crate::retry::{DeadReason, ErrorInfo, Failure, Original, Trail};
use crate::topic::TopicName;

/// How long a refused move waits before it is tried again.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destination {
    /// The retry topic of that level, due after that long.
    Retry {
        level: u32,
        delay: Duration,
    },
    DeadLetter(DeadReason),
}

impl Shared {
    /// Sends a failed message away. Its lane goes on meanwhile, but stops when
    /// the broker refuses the message, until it takes it.
    pub(super) fn move_away(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        mut work: Work,
        destination: Destination,
        failure: &Failure,
    ) {
        let trail = trail(partition, &work, destination, failure);
        let target = match destination {
            Destination::Retry { level, .. } => partition.rules.retry_topic(level),
            Destination::DeadLetter(_) => partition.rules.dead_letter_topic(),
        };
        let headers = work.original_headers(&partition.rules);
        let record = Outgoing {
            key: work.message.key().map(<[u8]>::to_vec),
            payload: work.message.payload().map(<[u8]>::to_vec),
            headers: trail.append_to(&headers),
            partition: Some(partition.id),
            timestamp: work.message.timestamp(),
        };
        // The record is a copy; the message needs to keep no fetch buffer alive.
        work.detach();
        // They stand in their target as they stood in their lane.
        let turn = partition.moves.announce();
        let (shared, partition) = (Arc::clone(self), Arc::clone(partition));
        let dead = matches!(destination, Destination::DeadLetter(_));
        self.runtime.spawn(async move {
            let moved = match target {
                Ok(target) => shared.send(&partition, &work, &target, &record, turn).await,
                Err(error) => {
                    let offset = work.message.offset();
                    let reason = error.to_string();
                    shared.refused(&partition, &work, &error.name, Code::InvalidTopic, &reason);
                    shared.stop_lane(&partition, &work, &error.name, reason);
                    partition.draining().cancelled().await;
                    shared.counters.resumed(&partition, offset);
                    false
                }
            };
            match moved {
                true => {
                    shared.counters.moved(dead);
                    partition.tracker().finish(work.sequence);
                    shared.release(&partition, 1, work.size);
                }
                false => shared.drop_works(&partition, [work]),
            }
        });
    }

    /// Sends until the broker acknowledges; `false` when the partition goes
    /// before.
    async fn send(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        work: &Work,
        target: &TopicName,
        record: &Outgoing,
        turn: QueueTurn,
    ) -> bool {
        let mut delay = FIRST_DELAY;
        let mut stopped = false;
        let mut turn = Some(turn);
        let acknowledged = loop {
            let sent = async {
                if let Some(turn) = &mut turn {
                    turn.come().await;
                }
                let queued = self.mover.queue(target, &partition.rules.source, record);
                let queued = queued.await;
                // The next one is not held up by one that is refused.
                turn = None;
                queued?.acknowledged().await
            };
            let error = tokio::select! {
                biased;
                () = partition.ended().cancelled() => break false,
                sent = sent => match sent {
                    Ok(_) => break true,
                    Err(error) => error,
                },
            };
            if error.is_client_gone() {
                // The application shuts down: nothing moves any more, and the
                // message stays uncommitted.
                partition.draining().cancelled().await;
                break false;
            }
            let (target, reason) = (target.as_str(), error.to_string());
            self.refused(partition, work, target, error.code(), &reason);
            if !stopped {
                stopped = true;
                self.stop_lane(partition, work, target, reason);
            }
            tokio::select! {
                biased;
                () = partition.draining().cancelled() => break false,
                () = tokio::time::sleep(delay) => {}
            }
            delay = (delay * 2).min(LONGEST_DELAY);
        };
        if stopped {
            self.counters.resumed(partition, work.message.offset());
            if acknowledged {
                tracing::info!(
                    consumer = %self.name,
                    ?partition,
                    offset = work.message.offset(),
                    %target,
                    "moved at last; its lane goes on"
                );
            }
            let hired = self.lanes.go_on(partition, work.lane);
            self.start_workers(hired);
        }
        acknowledged
    }

    /// Tells the error handler.
    fn refused(&self, partition: &Partition, work: &Work, target: &str, code: Code, reason: &str) {
        self.report(ClientError {
            consumer: self.name.to_string(),
            code,
            reason: format!(
                "{partition:?}@{} can't be moved to `{target}` and waits, its lane with it: {reason}",
                work.message.offset()
            ),
            fatal: false,
        });
    }

    fn stop_lane(&self, partition: &Arc<Partition>, work: &Work, target: &str, reason: String) {
        self.lanes.stop(partition, work.lane);
        self.counters.stopped(Stopped {
            topic: partition.topic.to_string(),
            partition: partition.id,
            offset: work.message.offset(),
            target: target.to_owned(),
            reason,
        });
    }
}

fn trail(partition: &Partition, work: &Work, destination: Destination, failure: &Failure) -> Trail {
    let now = Timestamp::now();
    let past = work.past.as_deref();
    let (reason, due) = match destination {
        Destination::Retry { delay, .. } => {
            let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            let due = now.as_millis().saturating_add(millis);
            ("retry", Some(Timestamp::from_millis(due)))
        }
        Destination::DeadLetter(reason) => (reason.as_str(), None),
    };
    Trail {
        original: past
            .and_then(|past| past.original.clone())
            .unwrap_or_else(|| Original {
                topic: partition.topic.to_string(),
                partition: partition.id,
                offset: work.message.offset(),
                timestamp: work.message.timestamp(),
            }),
        group: partition.rules.group.to_string(),
        attempts: work.attempt,
        first_failure: past.map_or(now, |past| past.first_failure),
        last_failure: now,
        error: ErrorInfo {
            class: failure.class().to_owned(),
            text: failure.text(),
        },
        reason: reason.to_owned(),
        due,
    }
}
