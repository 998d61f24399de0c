//! The poll thread's end: what is in flight is finished, committed, and the group
//! is left.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;

use super::{PollLoop, TICK};

/// How long leaving the group may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the last commit is sent.
const MOST_TRIES: u32 = 12;

impl PollLoop {
    /// Finishes what is in flight, as far as the timeout allows, and commits it.
    pub(super) fn drain(&mut self) {
        let deadline = Instant::now() + self.limits.shutdown_timeout;
        let _ = self.context().stopping.set(deadline);
        let partitions = self.context().assignment.lock().partitions();
        self.shared.begin_drain(&partitions);
        let mut drained = false;
        while !drained && Instant::now() < deadline {
            // The group must not take this member for dead meanwhile.
            self.serve_events();
            self.commit();
            let step = Instant::now() + self.limits.commit_interval.min(TICK);
            drained = self.shared.wait_drained(&partitions, step.min(deadline));
        }
        if !drained {
            tracing::warn!(
                consumer = %self.shared.name,
                in_flight = self.shared.budget.messages(),
                "handlers did not finish within shutdown_timeout; \
                 their messages will be delivered again"
            );
        }
        self.shared.close(&partitions);
        self.finish_commits(deadline.max(Instant::now() + Duration::from_secs(1)));
    }

    /// Sends the last commit and waits for its answer; a refused one is sent
    /// again.
    fn finish_commits(&mut self, deadline: Instant) {
        // One may be on its way, which the last one has to wait for, and a broker
        // may want its record shorter again and again.
        for _ in 0..MOST_TRIES {
            self.commit();
            while self.context().committing.load(Ordering::Acquire) && Instant::now() < deadline {
                self.serve_events();
                std::thread::sleep(Duration::from_millis(1));
            }
            if self.context().assignment.lock().uncommitted() == 0 {
                break;
            }
        }
        let assignment = self.context().assignment.lock();
        let left = assignment.uncommitted() + assignment.left_out();
        drop(assignment);
        if left > 0 {
            tracing::warn!(
                consumer = %self.shared.name,
                messages = left,
                "finished messages could not be committed and will be delivered again"
            );
        }
    }

    /// Leaves the group, so that others take the partitions over at once.
    pub(super) fn leave(&mut self) {
        self.queue.consumer().unsubscribe();
        let deadline = Instant::now() + LEAVE_TIMEOUT;
        while self.context().assignment.lock().len() > 0 && Instant::now() < deadline {
            self.serve_events();
            std::thread::sleep(Duration::from_millis(1));
        }
        self.shared
            .counters
            .observe(0, self.shared.budget.messages(), None);
    }
}
