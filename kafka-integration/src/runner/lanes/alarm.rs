//! What has a batch go that nobody joins: one timer for a consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::Notify;

use super::{Lanes, State};
use crate::runner::shared::Shared;

#[derive(Default)]
pub(super) struct Alarm {
    /// A batch is due before the task would look, or nobody looks.
    rings: AtomicBool,
    attended: AtomicBool,
    earlier: Notify,
}

impl Lanes {
    /// Called under the lock, whenever something has changed.
    pub(super) fn set_alarm(&self, state: &mut State) {
        if state.gathers.is_empty() {
            return;
        }
        let Some(next) = state.gathers.next_look(Instant::now()) else {
            return;
        };
        if state.looks_at.is_none_or(|at| next < at) {
            state.looks_at = Some(next);
            self.alarm.rings.store(true, Ordering::Release);
        }
    }

    /// The workers to start for what is due, and when to look again.
    fn look(&self) -> (usize, Option<Instant>) {
        let mut state = self.state.lock();
        state.looks_at = None;
        let hired = self.hire(&mut state);
        self.alarm.rings.store(false, Ordering::Release);
        if state.looks_at.is_none() {
            self.alarm.attended.store(false, Ordering::Release);
        }
        (hired, state.looks_at)
    }
}

impl Shared {
    /// Has somebody look when the next batch is due.
    pub(in crate::runner) fn attend_alarm(self: &Arc<Self>) {
        let alarm = &self.lanes.alarm;
        if !alarm.rings.load(Ordering::Acquire) || !alarm.rings.swap(false, Ordering::AcqRel) {
            return;
        }
        if alarm.attended.swap(true, Ordering::AcqRel) {
            alarm.earlier.notify_one();
        } else {
            self.runtime.spawn(attend(Arc::clone(self)));
        }
    }

    /// Has the alarm look now: what it waits for may be gone.
    pub(in crate::runner) fn look_now(&self) {
        self.lanes.alarm.earlier.notify_one();
    }
}

/// Looks when something is due, until nothing waits.
async fn attend(shared: Arc<Shared>) {
    loop {
        let (hired, next) = shared.lanes.look();
        shared.start_workers(hired);
        let Some(at) = next else {
            return;
        };
        let at = tokio::time::Instant::from_std(at);
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = shared.lanes.alarm.earlier.notified() => {}
        }
    }
}
