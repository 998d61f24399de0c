//! The poll thread: one for each consumer. It serves the client's events,
//! fetches, hands over, commits, and never runs user code.

mod ending;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode;
use tokio_util::sync::CancellationToken;

use super::partition::Partition;
use super::past::Past;
use super::pauses;
use super::raw::{OwnedMessage, RawMessage, TopicName, Work};
use super::rebalance::{Failure, PollContext};
use super::shared::Shared;
use super::tracker::Delivery;
use crate::native::{self, FetchQueue, NativeMessage};
use crate::retry::Trail;

/// Messages fetched at a time.
const BATCH: usize = 1024;

/// With so many messages in flight the workers have enough to do for a while:
/// what arrives meanwhile is better taken together than a handful at a time.
const ENOUGH: usize = 2 * BATCH;

/// With so many, even whole batches can wait.
const PLENTY: usize = 8 * BATCH;

/// How long to let messages gather then.
const GATHER: Duration = Duration::from_millis(1);

/// How many of the client's events are served between two fetches. There are
/// few; a `None` of `poll` may also mean that one was served.
const EVENTS_PER_ROUND: usize = 8;

/// The shortest time between two looks at the partitions as a whole.
const TICK: Duration = Duration::from_millis(100);

/// So many looks at an empty queue say that a partition has nothing.
const IDLE_LOOKS: u32 = 3;

/// What the poll thread was told.
pub(super) struct Limits {
    pub(super) polling_frequency: Duration,
    pub(super) commit_interval: Duration,
    pub(super) shutdown_timeout: Duration,
    pub(super) max_in_flight: usize,
    pub(super) max_in_flight_bytes: usize,
    pub(super) max_uncommitted: usize,
}

pub(super) struct PollLoop {
    shared: Arc<Shared>,
    queue: FetchQueue<PollContext>,
    limits: Limits,
    stop: CancellationToken,
    fetched: Vec<NativeMessage>,
    works: Vec<Work>,
    last_commit: Instant,
    last_tick: Instant,
    starved_since: Option<Instant>,
    /// The lanes know that there is no room.
    pressed: bool,
    /// The last fetch was a whole batch: there may be more.
    more: bool,
    /// The last fetch took all there was.
    emptied: bool,
}

impl PollLoop {
    /// Makes the client and subscribes. Nothing of this waits for a broker.
    pub(super) fn start(
        config: &ClientConfig,
        context: PollContext,
        limits: Limits,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let shared = Arc::clone(&context.shared);
        let restart = |error: KafkaError| Failure::Restart(error.to_string());
        let mut consumer: BaseConsumer<PollContext> =
            config.create_with_context(context).map_err(restart)?;
        // Set before the queue takes the consumer over: an event of the client
        // (a rebalance, an answered commit) ends a wait for messages.
        let waker = Arc::new(std::sync::OnceLock::<native::FetchWaker>::new());
        consumer.set_nonempty_callback({
            let waker = Arc::clone(&waker);
            move || {
                if let Some(waker) = waker.get() {
                    waker.wake();
                }
            }
        });
        let queue = FetchQueue::new(consumer, BATCH)
            .ok_or_else(|| Failure::Restart("the client is out of memory".to_owned()))?;
        let _ = waker.set(queue.waker());
        let context = queue.consumer().context();
        let _ = context.fetch.set(queue.waker());
        let topics = context.routes.subscription();
        queue.consumer().subscribe(&topics).map_err(restart)?;
        shared.budget.attach();
        Ok(Self {
            shared,
            queue,
            limits,
            stop,
            fetched: Vec::with_capacity(BATCH),
            works: Vec::with_capacity(BATCH),
            last_commit: Instant::now(),
            last_tick: Instant::now(),
            starved_since: None,
            pressed: false,
            more: false,
            emptied: false,
        })
    }

    /// What ends a wait of the poll thread from elsewhere.
    pub(super) fn waker(&self) -> native::FetchWaker {
        self.queue.waker()
    }

    /// Runs until told to stop or until the client can't go on, then drains,
    /// commits and leaves the group.
    /// `closing` is cancelled once it does.
    pub(super) fn run(mut self, closing: &CancellationToken) -> Result<(), Failure> {
        let mut failure = None;
        while !self.stop.is_cancelled() {
            self.serve_events();
            self.tell_error_handler();
            failure = self.context().take_failure();
            if failure.is_some() {
                break;
            }
            let uncommitted = self.context().assignment.lock().uncommitted();
            // A crash has what is finished and not committed delivered again: at
            // full speed the interval is too long.
            let most = self.limits.max_in_flight as u64;
            let behind = uncommitted >= most;
            self.tick(uncommitted >= most / 4);
            self.fetch(behind, uncommitted == 0);
        }
        closing.cancel();
        self.drain();
        self.leave();
        failure.map_or(Ok(()), Err)
    }

    fn context(&self) -> &PollContext {
        self.queue.consumer().context()
    }

    /// Serves what the client has to say: rebalances, commits, errors, logs.
    fn serve_events(&mut self) {
        for _ in 0..EVENTS_PER_ROUND {
            match self.queue.consumer().poll(Duration::ZERO) {
                None => {}
                Some(Ok(message)) => self.stray(&message),
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    let fatal = self.queue.consumer().client().fatal_error();
                    let (code, reason) = fatal.unwrap_or((code, String::new()));
                    self.context().client_error(code, &reason, true);
                }
                // Told to the context as well; the client goes on by itself.
                Some(Err(error)) => tracing::debug!(consumer = %self.shared.name, %error, "poll"),
            }
        }
    }

    /// Tells what the workers have to report.
    fn tell_error_handler(&self) {
        while let Some(report) = self.shared.take_report() {
            self.context().report(report);
        }
    }

    /// A message that was on its way before its partition was forwarded.
    fn stray(&self, message: &BorrowedMessage<'_>) {
        let raw = RawMessage::Owned(Box::new(OwnedMessage::copy(message)));
        let Some(partition) = self.current(message.topic(), message.partition()) else {
            return;
        };
        let mut works = Vec::with_capacity(1);
        match self.deliver(&partition, raw, &mut works) {
            Ok(()) => self.shared.dispatch(&partition, &mut works),
            Err(offset) => {
                let consumer = self.queue.consumer();
                self.context().renew(consumer, &partition, offset);
            }
        }
    }

    /// Takes messages as far as there is room, or waits for either.
    fn fetch(&mut self, behind: bool, settled: bool) {
        let mut room = if behind { 0 } else { self.shared.budget.room() };
        if room > 0 {
            self.starved_since = None;
            self.press(false);
        } else if !behind && self.starved_since.is_some_and(|s| s.elapsed() > TICK) {
            // What is gathered may be what holds the room.
            self.press(true);
            // A little is better than nothing, but it does not end the hunger:
            // whoever holds the rest has to stand back.
            room = self.shared.budget.any_room();
        }
        let wait = self.wait(settled);
        if room == 0 {
            // Polled above, so the membership is safe; the client's own bounded
            // queue holds what comes meanwhile.
            self.starved_since.get_or_insert_with(Instant::now);
            self.emptied = false;
            match behind {
                // What is awaited is the answer to a commit, not room.
                true => std::thread::park_timeout(GATHER),
                false => self.shared.budget.wait(wait.min(TICK)),
            }
            return;
        }
        let in_flight = self.shared.budget.messages();
        if in_flight >= PLENTY || (in_flight >= ENOUGH && !self.more) {
            std::thread::park_timeout(GATHER);
        }
        self.queue.fetch(wait, room, &mut self.fetched);
        self.emptied = self.fetched.len() < room.min(BATCH);
        self.more = self.fetched.len() >= BATCH;
        let mut fetched = std::mem::take(&mut self.fetched);
        self.hand_over(&mut fetched);
        self.fetched = fetched;
    }

    fn press(&mut self, pressed: bool) {
        if self.pressed != pressed {
            self.pressed = pressed;
            let hired = self.shared.lanes.press(pressed);
            self.shared.start_workers(hired);
        }
    }

    /// Hands messages over in runs of one partition.
    fn hand_over(&mut self, fetched: &mut Vec<NativeMessage>) {
        let mut works = std::mem::take(&mut self.works);
        let mut messages = fetched.drain(..).peekable();
        let mut backwards = None;
        let mut renewed: Vec<(TopicName, i32)> = Vec::new();
        while let Some(first) = messages.next() {
            if let Some(code) = first.error() {
                self.message_error(&first, code);
                continue;
            }
            let (topic, id) = (first.topic(), first.partition());
            if renewed.iter().any(|(t, p)| **t == *topic && *p == id) {
                continue;
            }
            let Some(partition) = self.current(topic, id) else {
                tracing::debug!(
                    topic = first.topic(),
                    partition = first.partition(),
                    "a message of a partition that was let go is dropped"
                );
                continue;
            };
            let mut next = Some(first);
            while let Some(message) = next.take() {
                next = messages
                    .next_if(|next| next.error().is_none() && next.same_partition(&message));
                let raw = RawMessage::Native(message);
                if let Err(offset) = self.deliver(&partition, raw, &mut works) {
                    backwards = Some((Arc::clone(&partition), offset));
                    break;
                }
            }
            self.shared.dispatch(&partition, &mut works);
            if let Some((partition, offset)) = backwards.take() {
                // What is left of this batch is delivered again after the seek.
                let consumer = self.queue.consumer();
                self.context().renew(consumer, &partition, offset);
                renewed.push((Arc::clone(&partition.topic), partition.id));
            }
        }
        drop(messages);
        self.works = works;
    }

    fn current(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        let mut assignment = self.context().assignment.lock();
        let assigned = assignment.get_mut(topic, partition)?;
        Some(Arc::clone(&assigned.partition))
    }

    /// Takes note of a message. Its offset is the error when it is below what
    /// was delivered and nobody asked for that: the topic was made anew, or it
    /// was truncated.
    fn deliver(
        &self,
        partition: &Partition,
        mut message: RawMessage,
        works: &mut Vec<Work>,
    ) -> Result<(), i64> {
        let offset = message.offset();
        let mut tracker = partition.tracker();
        let delivery = tracker.deliver(offset);
        if tracker.take_repeat() {
            partition.want_rewind();
        }
        let failed = tracker.remembered(offset);
        drop(tracker);
        match delivery {
            Delivery::Skip => Ok(()),
            Delivery::Backwards => Err(offset),
            Delivery::Handle(sequence) if partition.rules.passes_by => {
                partition.tracker().finish(sequence);
                Ok(())
            }
            Delivery::Handle(sequence) if self.is_of_another_group(partition, &mut message) => {
                partition.tracker().finish(sequence);
                Ok(())
            }
            Delivery::Handle(sequence) => {
                works.push(Work {
                    size: message.size(),
                    message,
                    sequence,
                    attempt: 0,
                    past: failed.map(|failed| Box::new(Past::of_record(failed))),
                    lane: None,
                });
                Ok(())
            }
        }
    }

    /// Whether another group moved the message here, whose retry consumer reads
    /// the topic too and handles it. That one has offsets of its own: what is
    /// finished here is not finished there.
    fn is_of_another_group(&self, partition: &Partition, message: &mut RawMessage) -> bool {
        let rules = &partition.rules;
        if !rules.is_retry {
            return false;
        }
        let trail = Trail::of(&message.headers());
        let Some(trail) = trail.filter(|trail| rules.is_of_another_group(trail)) else {
            return false;
        };
        if self.shared.is_first_of_another_group(&partition.topic) {
            tracing::warn!(
                consumer = %self.shared.name,
                topic = %partition.topic,
                "another group moves its failed messages here too, and they are passed by: group \
                 `{}` with topic `{}` and group `{}` with topic `{}` have retry and dead-letter \
                 topics of the same names; rename one of the groups",
                trail.group,
                trail.original.topic,
                rules.group,
                rules.source,
            );
        }
        true
    }

    fn message_error(&self, message: &NativeMessage, code: RDKafkaErrorCode) {
        if code == RDKafkaErrorCode::PartitionEOF {
            return;
        }
        let text = message.payload().map(String::from_utf8_lossy);
        let reason = format!(
            "{}[{}]: {}",
            message.topic(),
            message.partition(),
            text.as_deref().unwrap_or("no reason given")
        );
        self.context().client_error(code, &reason, false);
    }

    /// How long the next wait may be.
    fn wait(&self, settled: bool) -> Duration {
        let longest = self.limits.polling_frequency;
        match settled && self.shared.budget.messages() == 0 {
            true => longest,
            false => longest.min(self.limits.commit_interval).min(TICK),
        }
    }

    /// Commits when it is time, and looks at the partitions as a whole.
    fn tick(&mut self, much: bool) {
        let now = Instant::now();
        let due = now.duration_since(self.last_commit) >= self.limits.commit_interval;
        let again = self.context().commit_again.swap(false, Ordering::AcqRel);
        if due || much || again {
            self.last_commit = now;
            self.commit();
        }
        let most = self.limits.max_in_flight;
        let full = || self.context().assignment.lock().outgrows_record(most);
        if now.duration_since(self.last_tick) >= TICK || ((due || much) && full()) {
            self.last_tick = now;
            pauses::review(self.queue.consumer(), &self.limits, self.starved_since);
            self.observe();
        }
    }

    /// Sends what is finished; one commit at a time.
    fn commit(&self) {
        let context = self.context();
        if context.committing.load(Ordering::Acquire) {
            return;
        }
        let list = context.assignment.lock().take_commit(|_| true);
        if list.count() == 0 {
            return;
        }
        context.committing.store(true, Ordering::Release);
        if let Err(error) = native::commit_answered(self.queue.consumer(), &list) {
            context.committing.store(false, Ordering::Release);
            context.assignment.lock().committed(&list, false);
            tracing::warn!(consumer = %self.shared.name, %error, "cannot commit");
        }
    }

    fn observe(&self) {
        let mut assignment = self.context().assignment.lock();
        // Without a partition, nothing is known of any.
        let mut lag = (assignment.len() > 0).then_some(0_u64);
        for assigned in assignment.iter_mut() {
            let partition = &assigned.partition;
            let consumer = self.queue.consumer();
            let end = native::cached_high_watermark(consumer, &partition.topic, partition.id);
            let tracker = partition.tracker();
            // Where the group starts says nothing of what is there.
            let done = tracker.position().and(tracker.committable());
            drop(tracker);
            let behind = match (end, done) {
                (Some(end), Some(done)) => u64::try_from(end - done).ok(),
                // The end is known from a fetch. If that brought messages, they
                // are taken before the queue is empty for long.
                (Some(end), None) if self.emptied => {
                    assigned.idle_looks += 1;
                    if assigned.idle_looks >= IDLE_LOOKS {
                        assigned.idle_end = Some(end);
                    }
                    assigned.idle_end.map(|_| 0)
                }
                (Some(_), None) => {
                    assigned.idle_looks = 0;
                    None
                }
                _ => None,
            };
            lag = lag.zip(behind).map(|(sum, behind)| sum + behind);
        }
        self.shared
            .counters
            .observe(assignment.len(), self.shared.budget.messages(), lag);
    }
}
