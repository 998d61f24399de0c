use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::failure::Failure;
use crate::native::producer::Report;

/// No one waits.
const NOBODY: u64 = u64::MAX;

/// The shared counters of a pipeline or batch: the sender adds, the thread that
/// serves the delivery reports counts down.
///
/// A record costs neither an allocation nor a channel: its number travels
/// through the client, and reports are counted in runs.
pub(crate) struct Tracker {
    sender: Sender,
    done: AtomicU64,
    failed: AtomicU64,
    /// The count of done records at which the sender wants to be woken.
    wake_at: AtomicU64,
    woken: Notify,
    failures: Mutex<Vec<(u64, Failure)>>,
    /// How many failures the sender has heard of.
    told: AtomicU64,
    /// How many failures are kept; the others are counted.
    keep: usize,
    /// Partition and offset by number, for who wants them.
    places: Option<Mutex<Vec<(i32, i64)>>>,
}

/// What the sender writes, on a cache line of its own.
#[repr(align(64))]
struct Sender {
    sent: AtomicU64,
    /// The sender is gone; the last report frees the tracker.
    retired: AtomicBool,
}

/// What a pipeline has learned.
pub(crate) struct Tally {
    pub(crate) acknowledged: u64,
    pub(crate) failed: u64,
    pub(crate) failures: Vec<(u64, Failure)>,
}

impl Tracker {
    pub(crate) fn new(keep: usize, places: Option<usize>) -> Self {
        Self {
            sender: Sender {
                sent: AtomicU64::new(0),
                retired: AtomicBool::new(false),
            },
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            wake_at: AtomicU64::new(NOBODY),
            woken: Notify::new(),
            failures: Mutex::new(Vec::new()),
            told: AtomicU64::new(0),
            keep,
            places: places.map(|count| Mutex::new(vec![(-1, -1); count])),
        }
    }

    /// How many records the client has; told before it gets one more, and
    /// taken back when it refuses it.
    pub(crate) fn sending(&self, sent: u64) {
        self.sender.sent.store(sent, Ordering::Release);
    }

    /// Takes down one report. It counts only with [`settle`](Self::settle).
    pub(crate) fn note(&self, number: u64, report: &Report<'_>) {
        if let Some(code) = report.error() {
            self.note_failure(number, Failure::of(report, code));
        } else if let Some(places) = &self.places
            && let Some(place) = places.lock().get_mut(number as usize)
        {
            *place = (report.partition(), report.offset());
        }
    }

    pub(crate) fn note_failure(&self, number: u64, failure: Failure) {
        let mut failures = self.failures.lock();
        if failures.len() < self.keep {
            failures.push((number, failure));
        }
        drop(failures);
        self.failed.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts what is outstanding as failed: no report will come for it.
    pub(crate) fn give_up(&self) -> bool {
        let lost = self.in_flight();
        if lost == 0 {
            return false;
        }
        let mut failures = self.failures.lock();
        match &self.places {
            Some(places) => {
                let places = places.lock();
                let untold = (0..).zip(places.iter()).filter(|(_, place)| place.0 < 0);
                let untold: Vec<_> = untold
                    .map(|(number, _)| number)
                    .filter(|number| !failures.iter().any(|(failed, _)| failed == number))
                    .collect();
                failures.extend(untold.into_iter().map(|n| (n, Failure::without_report())));
            }
            // Which ones they are is not known; one stands for all.
            None if failures.len() < self.keep => {
                failures.push((self.done(), Failure::without_report()));
            }
            None => {}
        }
        drop(failures);
        self.failed.fetch_add(lost, Ordering::SeqCst);
        self.settle(lost)
    }

    /// Counts reports that were noted; true when the tracker is of no more use.
    pub(crate) fn settle(&self, reports: u64) -> bool {
        let done = self.done.fetch_add(reports, Ordering::SeqCst) + reports;
        // Either this load sees the sender's wish, or the sender, which looks
        // at `done` after it wrote the wish, sees this count.
        if done >= self.wake_at.load(Ordering::SeqCst) {
            self.wake_at.store(NOBODY, Ordering::SeqCst);
            self.woken.notify_one();
        }
        self.sender.retired.load(Ordering::SeqCst)
            && done == self.sender.sent.load(Ordering::Acquire)
    }

    /// The sender is gone; true when no report is outstanding.
    pub(crate) fn retire(&self) -> bool {
        self.sender.retired.store(true, Ordering::SeqCst);
        self.in_flight() == 0
    }

    /// Waits until that many records are done. For one waiter at a time.
    pub(crate) async fn wait_done(&self, target: u64) {
        loop {
            self.wake_at.store(target, Ordering::SeqCst);
            if self.done() >= target {
                self.wake_at.store(NOBODY, Ordering::SeqCst);
                return;
            }
            self.woken.notified().await;
        }
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    pub(crate) fn in_flight(&self) -> u64 {
        // `done` first: the other way round, records that come and go in
        // between would count as done and never as sent.
        let done = self.done();
        self.sender.sent.load(Ordering::SeqCst).saturating_sub(done)
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        // A failure is counted before it is done, so this never tells more
        // than there are.
        let done = self.done();
        done.saturating_sub(self.failed.load(Ordering::SeqCst))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) > 0
    }

    /// What is known now, failures by number.
    pub(crate) fn tally(&self) -> Tally {
        let failed = self.failed.load(Ordering::SeqCst);
        self.told.store(failed, Ordering::SeqCst);
        let mut failures = self.failures.lock().clone();
        failures.sort_by_key(|(number, _)| *number);
        Tally {
            acknowledged: self.acknowledged(),
            failed,
            failures,
        }
    }

    /// Failures that nobody asked about before the sender went away.
    pub(crate) fn log_untold(&self, cluster: &str) {
        let untold = self.failed.load(Ordering::SeqCst) - self.told.load(Ordering::SeqCst);
        if untold == 0 {
            return;
        }
        let failures = self.failures.lock();
        let first = failures.first().map(|(_, failure)| failure);
        tracing::error!(
            cluster,
            records = untold,
            topic = first.map(|failure| failure.topic.as_str()),
            code = first.map(|failure| tracing::field::debug(failure.code)),
            "records of a pipeline that ended without `finish` were not delivered"
        );
    }

    /// Partition and offset of each record; empty unless asked for.
    pub(crate) fn places(&self) -> Vec<(i32, i64)> {
        self.places
            .as_ref()
            .map(|places| places.lock().clone())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_is_lost_between_sender_and_reports() {
        let tracker = Arc::new(Tracker::new(0, None));
        let (sent, reported) = std::sync::mpsc::channel();
        let reports = std::thread::spawn({
            let tracker = tracker.clone();
            move || {
                while let Ok(count) = reported.recv() {
                    tracker.settle(count);
                }
            }
        });
        for number in 1..=20_000 {
            tracker.sending(number);
            sent.send(1).expect("thread");
            tracker.wait_done(number).await;
        }
        assert_eq!(tracker.acknowledged(), 20_000);
        drop(sent);
        reports.join().expect("thread");
    }

    #[test]
    fn it_is_free_when_the_sender_is_gone_and_the_last_report_came() {
        let tracker = Tracker::new(0, None);
        tracker.sending(2);
        assert!(!tracker.retire());
        assert!(!tracker.settle(1));
        assert!(tracker.settle(1));
        assert_eq!(tracker.in_flight(), 0);
    }
}
