use std::sync::Arc;
use std::sync::OnceLock;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use tokio::sync::oneshot;

use super::failure::{Failure, NO_REASON};
use super::room::Room;
use super::slots::Slots;
use super::tracker::Tracker;
use crate::kafka::{log_client, logged};
use crate::native::producer::{Report, TakeReports};

/// How a single record went: its partition and offset, or its failure.
pub(crate) type Outcome = Result<(i32, i64), Failure>;

/// Where the delivery reports of one producer go.
pub(crate) struct DeliveryContext {
    cluster: String,
    singles: Mutex<Slots<oneshot::Sender<Outcome>>>,
    trackers: Mutex<Slots<Arc<Tracker>>>,
    pub(crate) room: Room,
    fatal: OnceLock<String>,
    /// Makes the next reports panic.
    #[cfg(test)]
    pub(crate) panics: std::sync::atomic::AtomicBool,
}

/// What travels through the client with each record: whose it is, and its
/// number there.
///
/// Number 0 of the owners is the singles; their numbers are slots.
#[derive(Clone, Copy)]
struct Tag(usize);

#[cfg(not(target_pointer_width = "64"))]
compile_error!("kafka-integration numbers its records in a pointer's 64 bits");

/// Bits for the number: 17 million million records in each of a million
/// pipelines.
const NUMBER_BITS: u32 = 44;
const SINGLES: usize = 0;

impl Tag {
    fn new(owner: usize, number: u64) -> Self {
        Self((owner << NUMBER_BITS) | number as usize)
    }

    fn owner(self) -> usize {
        self.0 >> NUMBER_BITS
    }

    fn number(self) -> u64 {
        self.0 as u64 & ((1 << NUMBER_BITS) - 1)
    }
}

impl DeliveryContext {
    pub(crate) fn new(cluster: String) -> Self {
        Self {
            cluster,
            singles: Mutex::new(Slots::new()),
            trackers: Mutex::new(Slots::new()),
            room: Room::new(),
            fatal: OnceLock::new(),
            #[cfg(test)]
            panics: false.into(),
        }
    }

    pub(crate) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Records queued or on their way, not yet reported.
    pub(crate) fn outstanding(&self) -> u64 {
        let singles = self.singles.lock().len() as u64;
        let tracked: u64 = self.trackers.lock().iter().map(|t| t.in_flight()).sum();
        singles + tracked
    }

    /// Why the client gave up, once it did.
    pub(crate) fn fatal(&self) -> Option<&str> {
        self.fatal.get().map(String::as_str)
    }

    pub(crate) fn fatal_reason(&self) -> &str {
        self.fatal().unwrap_or(NO_REASON)
    }

    pub(crate) fn set_fatal(&self, reason: &str) {
        if self.fatal.set(reason.to_owned()).is_ok() {
            logged(|| {
                tracing::error!(
                    cluster = self.cluster,
                    reason,
                    "the producer failed for good; the next record gets a new one"
                );
            });
        }
    }

    /// Tells everybody who still waits that no report will come: theirs went
    /// down with the thread that took it from the client.
    pub(crate) fn give_up(&self) {
        // Their callers see the end of the channel.
        drop(self.singles.lock().drain());
        let trackers: Vec<_> = self.trackers.lock().iter().cloned().collect();
        for tracker in trackers {
            tracker.give_up();
        }
        self.room.made();
    }

    /// Announces a single record; the opaque to send it with.
    pub(crate) fn add_single(&self, sender: oneshot::Sender<Outcome>) -> usize {
        Tag::new(SINGLES, self.singles.lock().insert(sender) as u64).0
    }

    /// Takes back a single record that the client did not take.
    pub(crate) fn forget_single(&self, opaque: usize) {
        drop(self.singles.lock().remove(Tag(opaque).number() as usize));
    }

    /// Announces a pipeline or a batch; its number.
    pub(crate) fn add_tracker(&self, tracker: Arc<Tracker>) -> usize {
        self.trackers.lock().insert(tracker) + 1
    }

    pub(crate) fn opaque(owner: usize, number: u64) -> usize {
        Tag::new(owner, number).0
    }

    /// The sender of that tracker is gone; it stays until its last report.
    pub(crate) fn retire_tracker(&self, owner: usize, tracker: &Tracker) {
        if tracker.retire() {
            self.release(owner, tracker);
        }
    }

    fn release(&self, owner: usize, tracker: &Tracker) {
        // Sender and last report may both come here; the slot may have a new
        // owner by then.
        let mut trackers = self.trackers.lock();
        let is_same = trackers
            .get(owner - 1)
            .is_some_and(|held| std::ptr::eq(Arc::as_ptr(held), tracker));
        if !is_same {
            return;
        }
        trackers.remove(owner - 1);
        drop(trackers);
        logged(|| tracker.log_untold(&self.cluster));
    }

    fn settle(&self, run: Run) {
        if run.tracker.settle(run.reports) {
            self.release(run.owner, &run.tracker);
        }
    }

    fn settle_single(&self, number: u64, report: &Report<'_>) {
        let Some(caller) = self.singles.lock().remove(number as usize) else {
            return;
        };
        let outcome = match report.error() {
            None => Ok((report.partition(), report.offset())),
            Some(code) => Err(Failure::of(report, code)),
        };
        // Whoever stopped waiting hears of a failure in the log at least.
        if let Err(Err(failure)) = caller.send(outcome) {
            logged(|| {
                tracing::error!(
                    cluster = self.cluster,
                    topic = failure.topic,
                    key = failure.key,
                    error = %failure.clone().into_error(self.fatal()),
                    "a record that nobody waits for any more was not delivered"
                );
            });
        }
    }
}

/// Reports in a row for the same tracker, counted together.
struct Run {
    owner: usize,
    tracker: Arc<Tracker>,
    reports: u64,
}

impl TakeReports for DeliveryContext {
    fn reports<'e>(&self, reports: impl Iterator<Item = Report<'e>>) {
        #[cfg(test)]
        assert!(
            !self.panics.swap(false, std::sync::atomic::Ordering::SeqCst),
            "asked for by a test"
        );
        let mut current: Option<Run> = None;
        for report in reports {
            let tag = Tag(report.opaque());
            if tag.owner() == SINGLES {
                self.settle_single(tag.number(), &report);
                continue;
            }
            let run = match &mut current {
                Some(run) if run.owner == tag.owner() => run,
                _ => {
                    if let Some(run) = current.take() {
                        self.settle(run);
                    }
                    let Some(tracker) = self.trackers.lock().get(tag.owner() - 1).cloned() else {
                        continue;
                    };
                    current.insert(Run {
                        owner: tag.owner(),
                        tracker,
                        reports: 0,
                    })
                }
            };
            run.tracker.note(tag.number(), &report);
            run.reports += 1;
        }
        if let Some(run) = current {
            self.settle(run);
        }
    }

    fn served(&self) {
        self.room.made();
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = usize;

    /// Only called while the client is being dropped; see [`TakeReports`].
    fn delivery(&self, result: &DeliveryResult<'_>, _: usize) {
        let message = match result {
            Ok(message) | Err((_, message)) => message,
        };
        self.reports(std::iter::once(Report::of(message)));
    }
}

impl ClientContext for DeliveryContext {
    fn error(&self, error: KafkaError, reason: &str) {
        client_error(self, &error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_client(level, facility, line);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        logged(|| {
            tracing::trace!(
                cluster = self.cluster,
                statistics = %String::from_utf8_lossy(statistics),
                "statistics of the producer"
            );
        });
    }
}

/// Errors of the client itself, not of a record. The client goes on by itself
/// after all but the fatal ones.
fn client_error(context: &DeliveryContext, error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
        context.set_fatal(reason);
    } else {
        let cluster = context.cluster();
        logged(|| tracing::warn!(cluster, %error, reason, "producer client error"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_keeps_owner_and_number_apart() {
        let tag = Tag::new(0xf_ffff, (1 << NUMBER_BITS) - 1);
        assert_eq!(tag.owner(), 0xf_ffff);
        assert_eq!(tag.number(), (1 << NUMBER_BITS) - 1);
        assert_eq!(Tag::new(SINGLES, 7).number(), 7);
    }
}
