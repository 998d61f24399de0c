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
        // The record is a copy.
        work.message.forget_content();
        // They stand in their target as they stood in their lane.
        let turn = partition.moves.announce();
        let (shared, partition) = (Arc::clone(self), Arc::clone(partition));
        let dead = matches!(destination, Destination::DeadLetter(_));
        self.runtime.spawn(async move {
            let end = match target {
                Ok(target) => shared.send(&partition, &work, &target, &record, turn).await,
                Err(error) => {
                    let reason = error.to_string();
                    shared.refused(&partition, &work, &error.name, Code::InvalidTopic, &reason);
                    let stop = shared.stop(&partition, &work, &error.name, reason);
                    if stop != Stop::GiveBack {
                        partition.draining().cancelled().await;
                    }
                    shared.go_on(&partition, &work, stop);
                    match stop {
                        Stop::GiveBack => End::GivenBack,
                        _ => End::GivenUp,
                    }
                }
            };
            match end {
                End::Acknowledged => {
                    shared.counters.moved(dead);
                    partition.tracker().finish(work.sequence);
                    shared.release(&partition, 1, work.size);
                }
                End::GivenUp => shared.drop_works(&partition, [work]),
                End::GivenBack => {
                    shared.give_back(&partition, [work]);
                    partition.want_rewind();
                }
            }
        });
    }

    /// Sends until the broker acknowledges, or until the message is no longer
    /// this assignment's to send.
    async fn send(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        work: &Work,
        target: &TopicName,
        record: &Outgoing,
        turn: QueueTurn,
    ) -> End {
        let mut delay = FIRST_DELAY;
        let mut stop = Stop::None;
        let mut turn = Some(turn);
        let end = loop {
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
                () = partition.ended().cancelled() => break End::GivenUp,
                sent = sent => match sent {
                    Ok(_) => break End::Acknowledged,
                    Err(error) => error,
                },
            };
            if error.is_client_gone() {
                // The application shuts down: nothing moves any more, and the
                // message stays uncommitted.
                partition.draining().cancelled().await;
                break End::GivenUp;
            }
            let (target, reason) = (target.as_str(), error.to_string());
            self.refused(partition, work, target, error.code(), &reason);
            if stop == Stop::None {
                stop = self.stop(partition, work, target, reason);
            }
            if stop == Stop::GiveBack {
                break End::GivenBack;
            }
            tokio::select! {
                biased;
                () = partition.draining().cancelled() => break End::GivenUp,
                () = tokio::time::sleep(delay) => {}
            }
            delay = (delay * 2).min(LONGEST_DELAY);
        };
        if stop != Stop::None && matches!(end, End::Acknowledged) {
            tracing::info!(
                consumer = %self.name,
                ?partition,
                offset = work.message.offset(),
                %target,
                "moved at last; what it held up goes on"
            );
        }
        self.go_on(partition, work, stop);
        end
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

    /// A refused message stops its lane; one without a lane stops the fetching
    /// of its partition, and others like it wait at the broker.
    fn stop(&self, partition: &Arc<Partition>, work: &Work, target: &str, reason: String) -> Stop {
        let stop = match self.lanes.stop(partition, work.lane) {
            true => Stop::Lane,
            false if partition.add_refused() == 0 => Stop::Partition,
            false => Stop::GiveBack,
        };
        if stop != Stop::GiveBack {
            self.counters.stopped(Stopped {
                topic: partition.topic.to_string(),
                partition: partition.id,
                offset: work.message.offset(),
                target: target.to_owned(),
                reason,
            });
        }
        stop
    }

    /// What was stopped for the message goes on.
    fn go_on(self: &Arc<Self>, partition: &Arc<Partition>, work: &Work, stop: Stop) {
        match stop {
            Stop::None => return,
            Stop::GiveBack => return partition.remove_refused(),
            Stop::Partition => partition.remove_refused(),
            Stop::Lane => {
                let hired = self.lanes.go_on(partition, work.lane);
                self.start_workers(hired);
            }
        }
        self.counters.resumed(partition, work.message.offset());
    }
}

/// What became of a message that was to be moved.
enum End {
    Acknowledged,
    /// Its partition goes: it stays uncommitted.
    GivenUp,
    /// It waits at the broker until it is delivered again.
    GivenBack,
}

/// What stands still for a refused message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    None,
    Lane,
    Partition,
    /// Nothing for this one: another stands for it.
    GiveBack,
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
