//! The client's callbacks: assignments come and go, commits are answered,
//! errors are told. All of them run on the poll thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{ClientContext, TopicPartitionList};

use super::assignment::{Assigned, Assignment, Pause, list_of};
use super::partition::Partition;
use super::resume::{self, Start, Starts};
use super::routes::Routes;
use super::shared::Shared;
use crate::kafka::{ClientError, ErrorAction, ErrorHandler};
use crate::native::{self, FetchWaker};

/// How long the last commit of a revocation may take. The poll thread stands
/// still meanwhile.
const LAST_COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

const STALE_EPOCH_PAUSE: Duration = Duration::from_millis(20);

pub(super) struct PollContext {
    pub(super) shared: Arc<Shared>,
    pub(super) assignment: Mutex<Assignment>,
    pub(super) routes: Routes,
    pub(super) fetch: OnceLock<FetchWaker>,
    pub(super) error_handler: Arc<dyn ErrorHandler>,
    /// How long a revocation waits for handlers that run.
    pub(super) drain_timeout: Duration,
    /// Set once the consumer stops: until when it waits for handlers.
    pub(super) stopping: OnceLock<Instant>,
    /// A commit is on its way.
    pub(super) committing: AtomicBool,
    /// A commit is to be sent at once, with shorter metadata.
    pub(super) commit_again: AtomicBool,
    /// The last commit failed; said once, not at every attempt.
    commit_failed: AtomicBool,
    /// Why the consumer can't go on.
    failure: Mutex<Option<Failure>>,
}

/// Why a consumer ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// The error handler wants the consumer to end.
    Fatal(ClientError),
    /// The consumer is to be started anew.
    Restart(String),
}

impl PollContext {
    pub(super) fn new(
        shared: Arc<Shared>,
        routes: Routes,
        error_handler: Arc<dyn ErrorHandler>,
        drain_timeout: Duration,
    ) -> Self {
        Self {
            shared,
            assignment: Mutex::default(),
            routes,
            fetch: OnceLock::new(),
            error_handler,
            drain_timeout,
            stopping: OnceLock::new(),
            committing: AtomicBool::new(false),
            commit_again: AtomicBool::new(false),
            commit_failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().take()
    }

    /// Has the consumer started anew.
    pub(super) fn restart(&self, reason: String) {
        self.fail(Failure::Restart(reason));
    }

    fn fail(&self, failure: Failure) {
        // The first one is the cause.
        self.failure.lock().get_or_insert(failure);
    }

    pub(super) fn client_error(&self, code: RDKafkaErrorCode, reason: &str, fatal: bool) {
        let error = ClientError {
            consumer: self.shared.name.to_string(),
            code,
            reason: reason.to_owned(),
            fatal,
        };
        self.report(error);
    }

    /// Tells the error handler, and remembers what it wants.
    pub(super) fn report(&self, error: ClientError) {
        let fatal = error.fatal;
        match self.error_handler.handle(&error) {
            ErrorAction::Fail => self.fail(Failure::Fatal(error)),
            ErrorAction::Continue if fatal => self.fail(Failure::Restart(error.to_string())),
            ErrorAction::Continue => {}
        }
    }

    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let starts = match resume::read(consumer, list, self.stopping.get().is_some()) {
            Ok(starts) => starts,
            Err(reason) => {
                self.fail(Failure::Restart(reason));
                None
            }
        };
        if let Err(reason) = self.prepare(consumer, list, starts.as_ref()) {
            self.fail(Failure::Restart(reason));
        }
        // The record and the position belong together.
        let from = starts.as_ref().map_or(list, |starts| &starts.list);
        let cooperative = native::is_cooperative(consumer);
        let result = if cooperative {
            consumer.incremental_assign(from)
        } else {
            consumer.assign(from)
        };
        if let Err(error) = result {
            self.fail(Failure::Restart(format!("cannot take partitions: {error}")));
            return;
        }
        self.hold_back(consumer);
        tracing::info!(
            consumer = %self.shared.name,
            partitions = %names(list),
            protocol = if cooperative { "cooperative" } else { "eager" },
            "partitions assigned"
        );
    }

    /// Makes room for new partitions before the client starts fetching them.
    /// Without a start, nothing of them is handled or committed.
    fn prepare(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &TopicPartitionList,
        starts: Option<&Starts>,
    ) -> Result<(), String> {
        let mut assignment = self.assignment.lock();
        for element in list.elements() {
            let (topic, id) = (element.topic(), element.partition());
            let (handler, rules) = self.routes.find(topic)?;
            if let Some(fetch) = self.fetch.get()
                && !native::forward_to(consumer, fetch, topic, id)
            {
                return Err(format!("cannot fetch {topic}[{id}]"));
            }
            let partition = Arc::new(Partition::new(topic.into(), id, handler, rules));
            let predecessor = assignment.lingering(topic, id);
            let mut assigned = Assigned::new(Arc::clone(&partition), predecessor);
            match starts {
                Some(starts) => {
                    if let Some(start) = starts.of(topic, id) {
                        let Start { offset, record, .. } = start.clone();
                        partition.tracker().resume(offset, record);
                        assigned = assigned.resumed(offset, start.metadata.clone());
                    }
                }
                None => partition.close(),
            }
            assignment.insert(assigned);
        }
        Ok(())
    }

    /// Pauses partitions whose earlier assignment still has handlers running:
    /// starting now would run a message twice at a time, out of order.
    fn hold_back(&self, consumer: &BaseConsumer<Self>) {
        let mut assignment = self.assignment.lock();
        for assigned in assignment.iter_mut() {
            if assigned.predecessor.is_none() || assigned.paused.is_some() {
                continue;
            }
            match consumer.pause(&list_of([&*assigned.partition])) {
                Ok(()) => assigned.paused = Some(Pause::Predecessor),
                Err(error) => self.fail(Failure::Restart(format!(
                    "cannot pause {:?}: {error}",
                    assigned.partition
                ))),
            }
        }
    }

    /// Finishes what runs, commits it while this member still owns it, and lets
    /// go. Of partitions that are lost already, nothing is committed.
    fn revoked(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let lost = consumer.assignment_lost();
        let cooperative = native::is_cooperative(consumer);
        let partitions: Vec<_> = {
            let mut assignment = self.assignment.lock();
            let mut find = |topic: &str, id| {
                let assigned = assignment.get_mut(topic, id)?;
                Some(Arc::clone(&assigned.partition))
            };
            list.elements()
                .iter()
                .filter_map(|e| find(e.topic(), e.partition()))
                .collect()
        };
        if !lost {
            let deadline = self.drain_deadline();
            // A stop has drained and closed them before it leaves the group.
            let open = |partition: &&Arc<Partition>| !partition.ended().is_cancelled();
            let open: Vec<_> = partitions.iter().filter(open).cloned().collect();
            self.shared.begin_drain(&open);
            if !self.shared.wait_drained(&open, deadline) {
                tracing::warn!(
                    consumer = %self.shared.name,
                    "handlers did not finish before their partitions had to go; \
                     their messages will be delivered again"
                );
            }
        }
        self.shared.close(&partitions);
        if !lost {
            self.commit_now(consumer, &partitions);
        }
        self.forget(consumer, &partitions);
        tracing::info!(
            consumer = %self.shared.name,
            partitions = %names(list),
            lost,
            "partitions revoked"
        );
        let result = if cooperative {
            consumer.incremental_unassign(list)
        } else {
            consumer.unassign()
        };
        if let Err(error) = result {
            self.fail(Failure::Restart(format!(
                "cannot let partitions go: {error}"
            )));
        }
    }

    /// Takes partitions out of the assignment.
    fn forget(&self, consumer: &BaseConsumer<Self>, partitions: &[Arc<Partition>]) {
        let mut assignment = self.assignment.lock();
        for partition in partitions {
            let removed = assignment.remove(&partition.topic, partition.id);
            assignment.linger(Arc::clone(partition));
            // The client remembers a pause: a partition that comes back would
            // not be fetched, with nobody to resume it.
            if removed.is_some_and(|assigned| assigned.paused.is_some())
                && let Err(error) = consumer.resume(&list_of([&**partition]))
            {
                self.restart(format!("cannot resume {partition:?}: {error}"));
            }
        }
    }

    /// Until when a revocation waits for handlers: a stop that goes on meanwhile
    /// has no more time than it was given.
    fn drain_deadline(&self) -> Instant {
        let longest = Instant::now() + self.drain_timeout;
        let stopping = self.stopping.get().copied();
        stopping.map_or(longest, |stop| stop.min(longest))
    }

    /// Starts a partition anew, from an offset below everything that is not
    /// finished in it.
    pub(super) fn renew(&self, consumer: &BaseConsumer<Self>, old: &Arc<Partition>, offset: i64) {
        let lowest = old.tracker().lowest_unfinished();
        let from = lowest.map_or(offset, |lowest| lowest.min(offset));
        tracing::warn!(
            consumer = %self.shared.name,
            partition = ?old,
            offset,
            from,
            "offsets went back: was the topic made anew, or was it truncated? \
             What is not finished is handled anew from there on"
        );
        self.shared.close(std::slice::from_ref(old));
        let (handler, rules) = (Arc::clone(&old.handler), Arc::clone(&old.rules));
        let renewed = Partition::new(old.topic.clone(), old.id, handler, rules);
        let renewed = Arc::new(renewed);
        let mut assignment = self.assignment.lock();
        assignment.remove(&old.topic, old.id);
        assignment.linger(Arc::clone(old));
        let predecessor = assignment.lingering(&old.topic, old.id);
        let held = predecessor.is_some();
        let mut assigned = Assigned::new(Arc::clone(&renewed), predecessor);
        assigned.paused = held.then_some(Pause::Predecessor);
        assignment.insert(assigned);
        drop(assignment);
        let list = list_of([&*renewed]);
        // The client's own position may still be the old one, which a later
        // pause would return to: the seek sets it.
        let result = consumer
            .pause(&list)
            .and_then(|()| native::seek(consumer, &renewed.topic, renewed.id, from))
            .and_then(|()| match held {
                true => Ok(()),
                false => consumer.resume(&list),
            });
        if let Err(error) = result {
            self.restart(format!("cannot seek {renewed:?} to {from}: {error}"));
        }
    }

    /// Commits and waits for the answer, so that it is this member's commit and
    /// not one that arrives after the next owner started.
    fn commit_now(&self, consumer: &BaseConsumer<Self>, partitions: &[Arc<Partition>]) {
        let ours = |partition: &Partition| {
            partitions
                .iter()
                .any(|other| std::ptr::eq(&raw const **other, partition))
        };
        // One that is on its way may be refused yet.
        self.assignment.lock().resend(ours);
        let deadline = Instant::now() + LAST_COMMIT_TIMEOUT;
        let result = loop {
            let list = self.assignment.lock().take_commit(ours);
            if list.count() == 0 {
                return;
            }
            let result = self.commit_sync(consumer, &list, deadline);
            let again = self.assignment.lock().committed(&list, result.is_ok());
            if !again || Instant::now() >= deadline {
                break result;
            }
        };
        if let Err(error) = result {
            tracing::warn!(
                consumer = %self.shared.name,
                %error,
                "the last commit of revoked partitions failed; \
                 what it covered will be delivered again"
            );
        }
    }

    /// With `group.protocol=consumer` the broker refuses a commit that was sent
    /// before this member heard of its new epoch; the client asks for it at
    /// once, but leaves sending again to whoever commits.
    fn commit_sync(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &TopicPartitionList,
        deadline: Instant,
    ) -> KafkaResult<()> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let result = native::commit_within(consumer, list, left);
            let stale = result.as_ref().is_err_and(|error| {
                error.rdkafka_error_code() == Some(RDKafkaErrorCode::StaleMemberEpoch)
            });
            if !stale || Instant::now() >= deadline {
                return result;
            }
            std::thread::sleep(STALE_EPOCH_PAUSE);
        }
    }
}

impl ClientContext for PollContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::kafka::log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error
            .rdkafka_error_code()
            .unwrap_or(RDKafkaErrorCode::Unknown);
        // A fatal one is also returned by `poll`, which says that it is.
        if code != RDKafkaErrorCode::Fatal {
            self.client_error(code, reason, false);
        }
    }
}

impl ConsumerContext for PollContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, list),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.revoked(consumer, list),
            other => {
                let code: RDKafkaErrorCode = other.into();
                self.client_error(code, "the rebalance failed", false);
                if let Err(error) = consumer.unassign() {
                    self.fail(Failure::Restart(format!(
                        "cannot let partitions go: {error}"
                    )));
                }
            }
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let again = self.assignment.lock().committed(offsets, result.is_ok());
        if again {
            self.commit_again.store(true, Ordering::Release);
            self.committing.store(false, Ordering::Release);
            return;
        }
        let failed_before = self.commit_failed.swap(result.is_err(), Ordering::AcqRel);
        match result {
            Err(error) if !failed_before => tracing::warn!(
                consumer = %self.shared.name,
                %error,
                "a commit failed and will be sent again until it succeeds"
            ),
            Ok(()) if failed_before => tracing::info!(
                consumer = %self.shared.name,
                "commits succeed again"
            ),
            _ => {}
        }
        self.committing.store(false, Ordering::Release);
    }
}

fn names(list: &TopicPartitionList) -> String {
    let elements = list.elements();
    let names: Vec<_> = elements
        .iter()
        .map(|e| format!("{}[{}]", e.topic(), e.partition()))
        .collect();
    names.join(", ")
}
