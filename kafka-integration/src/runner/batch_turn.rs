//! A worker's turn at a batch: decoding what arrives for one, and handling it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batches::{Content, Decoded, Fault};
use super::context::Context;
use super::failing::Failed;
use super::lanes::{BatchEnd, Gathered, Lane};
use super::partition::Partition;
use super::raw::Work;
use super::shared::Shared;
use super::turn::Spell;
use crate::message::Timestamp;
use crate::retry::{Failure, Share, Verdict};

/// A clock can't be asked for any time.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3_600);

impl Shared {
    /// Decodes messages that arrived, so that they can be gathered.
    pub(super) async fn read_batch(self: &Arc<Self>, messages: Vec<Gathered>) {
        let Some(first) = messages.first() else {
            return;
        };
        let topic = Arc::clone(&first.partition);
        let mut spell = Spell::default();
        let few = messages.len();
        let mut read = Vec::with_capacity(messages.len());
        for mut message in messages {
            if spell.is_over() {
                tokio::task::yield_now().await;
                spell = Spell::default();
            }
            let hook = Arc::clone(&message.partition.handler);
            if hook.batches().is_some_and(|hook| few < hook.policy().min) {
                // It will wait: it must not keep a fetch buffer alive.
                message.work.detach();
            }
            if let Some(message) = self.read_one(message) {
                read.push(message);
            }
        }
        let (read, hired) = self.lanes.read(&topic, read);
        for message in read.dropped {
            self.drop_works(&message.partition, [message.work]);
        }
        for message in read.returned {
            self.give_back(&message.partition, [message.work]);
        }
        for (message, at) in read.parked {
            self.park_until(&message.partition, message.work, at);
        }
        self.start_workers(hired);
    }

    /// Decodes a message; with a time before which it is not to go. `None` when
    /// it is none for a batch.
    fn read_one(self: &Arc<Self>, mut message: Gathered) -> Option<(Gathered, Option<Instant>)> {
        let Gathered {
            partition, work, ..
        } = &mut message;
        let before = match work.past.is_some() || partition.has_past() {
            true => work.recall(partition),
            false => None,
        };
        let tried = work.past.is_some();
        if before.is_some() {
            return Some((message, before));
        }
        match read(partition, work) {
            Ok(content) => {
                message.value = Some(content.message);
                if tried {
                    // It has waited already.
                    message.due = Instant::now();
                } else if let Some(time) = content.ready_at {
                    message.due = at(time);
                }
                Some((message, None))
            }
            Err(failure) => {
                let Gathered {
                    partition,
                    mut work,
                    ..
                } = message;
                if !partition.start(work.message.offset()) {
                    self.drop_works(&partition, [work]);
                    return None;
                }
                work.attempt = work.attempt.saturating_add(1);
                match self.failed(&partition, work, &failure) {
                    Failed::Waits(work, at) => {
                        let waits = Gathered::again(partition, work, message.number);
                        Some((waits, Some(at)))
                    }
                    Failed::Moves(_) => None,
                }
            }
        }
    }

    /// Handles a batch.
    pub(super) async fn handle_batch(self: &Arc<Self>, messages: Vec<Gathered>) {
        let mut ending = Ending::default();
        let (mut batch, mut contents) = (Vec::with_capacity(messages.len()), Vec::new());
        for message in messages {
            if let Some((message, content)) = self.start(message, &mut ending) {
                contents.push((content, (message.work.attempt, message.work.past.clone())));
                batch.push(message);
            }
        }
        let first = batch.first();
        let handler = first.map(|first| Arc::clone(&first.partition.handler));
        let hook = handler.as_deref().and_then(|handler| handler.batches());
        let context = Context::of_batch(self.kafka.clone(), Arc::clone(&self.name), &batch);
        if let Some((hook, context)) = hook.zip(context) {
            match hook.handle(contents, &context).await {
                Ok(()) => self.finish(batch, &mut ending),
                Err(fault) => self.fail(batch, fault, &mut ending),
            }
        }
        let (dropped, hired) = self.lanes.end_batch(ending.lanes);
        for message in dropped {
            self.drop_works(&message.partition, [message.work]);
        }
        // Only now: one that comes back must find its lane waiting for it.
        for (partition, work, at) in ending.parked {
            self.park_until(&partition, work, at);
        }
        self.start_workers(hired);
    }

    /// Starts a message of a batch. `None` when it is not part of it after all.
    fn start(
        self: &Arc<Self>,
        mut message: Gathered,
        ending: &mut Ending,
    ) -> Option<(Gathered, Decoded)> {
        if !message.partition.start(message.work.message.offset()) {
            let Gathered {
                partition, work, ..
            } = message;
            ending.done(&partition, work.lane);
            self.drop_works(&partition, [work]);
            return None;
        }
        message.work.attempt = message.work.attempt.saturating_add(1);
        let content = match message.value.take() {
            Some(content) => content,
            // It was tried before, which used it up.
            None => match read(&message.partition, &mut message.work) {
                Ok(content) => content.message,
                Err(failure) => {
                    self.fail_one(message, &failure, true, ending);
                    return None;
                }
            },
        };
        Some((message, content))
    }

    /// The hook is done with these.
    fn finish(&self, batch: Vec<Gathered>, ending: &mut Ending) {
        self.counters.processed(batch.len());
        for run in batch.chunk_by(|a, b| Arc::ptr_eq(&a.partition, &b.partition)) {
            let Some(partition) = run.first().map(|first| &first.partition) else {
                continue;
            };
            let mut tracker = partition.tracker();
            let mut bytes = 0;
            for message in run {
                tracker.finish(message.work.sequence);
                bytes += message.work.size;
                ending.done(partition, message.work.lane);
            }
            drop(tracker);
            self.release(partition, run.len(), bytes);
        }
    }

    fn fail(self: &Arc<Self>, batch: Vec<Gathered>, fault: Fault, ending: &mut Ending) {
        let failure = match fault {
            Fault::Panic(text) => Failure::Panic(text),
            Fault::Error(error) => match error.of(batch.len()) {
                Share::Whole(error) => Failure::Handler(error),
                Share::Each(errors) => {
                    let mut done = Vec::with_capacity(batch.len());
                    for (message, error) in batch.into_iter().zip(errors) {
                        match error {
                            None => done.push(message),
                            Some(error) => {
                                self.fail_one(message, &Failure::Handler(error), true, ending);
                            }
                        }
                    }
                    return self.finish(done, ending);
                }
            },
        };
        self.fail_whole(batch, &failure, ending);
    }

    /// All messages of a batch failed, and any of them may be to blame. One that
    /// would have no further attempt gets one alone.
    fn fail_whole(self: &Arc<Self>, batch: Vec<Gathered>, failure: &Failure, ending: &mut Ending) {
        let count = batch.len();
        let says = |message: &Gathered| message.partition.rules.policy.logs(message.work.attempt);
        if count > 1 && batch.iter().any(says) {
            // Once, not for each message.
            tracing::warn!(
                consumer = %self.name,
                topic = %batch[0].partition.topic,
                messages = count,
                "a whole batch failed: {failure}"
            );
        }
        for mut message in batch {
            let policy = &message.partition.rules.policy;
            let verdict = policy.decide(message.work.attempt, failure);
            if count == 1 || !matches!(verdict, Verdict::DeadLetter(_)) {
                self.fail_one(message, failure, count == 1, ending);
            } else {
                self.counters.failed();
                message.work.failed_now();
                ending.lanes.alone.push(message);
            }
        }
    }

    /// A message failed; `says` whether its policy may have that in the log.
    fn fail_one(
        self: &Arc<Self>,
        message: Gathered,
        failure: &Failure,
        says: bool,
        ending: &mut Ending,
    ) {
        let says = says && message.partition.rules.policy.logs(message.work.attempt);
        let parking = message.parking();
        let Gathered {
            partition, work, ..
        } = message;
        match self.failed_quietly(&partition, work, failure, says) {
            Failed::Waits(work, at) => {
                ending.lanes.parked.push(parking);
                ending.parked.push((partition, work, at));
            }
            Failed::Moves(lane) => ending.done(&partition, lane),
        }
    }
}

/// What is to be told once a batch is over.
#[derive(Default)]
struct Ending {
    lanes: BatchEnd,
    parked: Vec<(Arc<Partition>, Work, Instant)>,
}

impl Ending {
    fn done(&mut self, partition: &Arc<Partition>, lane: Lane) {
        self.lanes.done.push((Arc::clone(partition), lane));
    }
}

fn read(partition: &Partition, work: &mut Work) -> Result<Content, Failure> {
    match partition.handler.batches() {
        Some(hook) => hook.read(partition, work),
        None => Err(Failure::Panic(
            "its topic takes no batches; this is a bug of kafka-integration".to_owned(),
        )),
    }
}

fn at(time: Timestamp) -> Instant {
    let millis = time
        .as_millis()
        .saturating_sub(Timestamp::now().as_millis());
    let wait = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    Instant::now() + wait.min(LONGEST_WAIT)
}
