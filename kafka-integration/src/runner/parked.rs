//! Messages that wait for their time: one task and one timer for all of a
//! consumer, however many wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::lanes::Keep;
use super::partition::Partition;
use super::raw::Work;
use super::shared::Shared;

#[derive(Default)]
pub(super) struct Parked {
    state: Mutex<State>,
    /// Something is due earlier than what the task waits for.
    earlier: Notify,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<(Instant, u64), (Arc<Partition>, Work)>,
    next: u64,
    /// There is a task that waits.
    attended: bool,
}

impl Parked {
    /// Removes what waits of a partition.
    pub(super) fn remove(&self, partition: &Arc<Partition>) -> Vec<Work> {
        let nothing = Keep {
            messages: 0,
            bytes: 0,
        };
        self.shed(partition, nothing)
    }

    /// Removes what waits longest of a partition, but for so much.
    pub(super) fn shed(&self, partition: &Arc<Partition>, keep: Keep) -> Vec<Work> {
        let mut state = self.state.lock();
        let (mut messages, mut bytes) = (0, 0);
        let excess = state.waiting.extract_if(.., |_, (owner, work)| {
            if !Arc::ptr_eq(owner, partition) {
                return false;
            }
            (messages, bytes) = (messages + 1, bytes + work.size);
            messages > keep.messages || (bytes > keep.bytes && messages > 1 && keep.messages > 0)
        });
        let shed: Vec<_> = excess.map(|(_, (_, work))| work).collect();
        drop(state);
        partition.unparked(shed.len(), shed.iter().map(|work| work.size).sum());
        shed
    }

    /// What is due, and when the next one is.
    fn take_due(&self) -> (Vec<(Arc<Partition>, Work)>, Option<Instant>) {
        let mut state = self.state.lock();
        let later = state.waiting.split_off(&(Instant::now(), u64::MAX));
        let due = std::mem::replace(&mut state.waiting, later);
        let next = state.waiting.keys().next().map(|(at, _)| *at);
        state.attended = next.is_some() || !due.is_empty();
        drop(state);
        for (partition, work) in due.values() {
            partition.unparked(1, work.size);
        }
        (due.into_values().collect(), next)
    }
}

impl Shared {
    /// Has a message come back at that time, unless its partition goes before:
    /// then it is given up, uncommitted, and delivered again to whoever has the
    /// partition next.
    pub(super) fn park_until(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        mut work: Work,
        at: Instant,
    ) {
        // It may wait for long; it must not keep a fetch buffer alive.
        work.detach();
        let mut state = self.parked.state.lock();
        // Draining looks for what waits after it is told to those that park.
        if partition.draining().is_cancelled() {
            drop(state);
            self.drop_works(partition, [work]);
            // What stood behind it came back to the lanes after they were drained.
            let behind = self.lanes.drain(partition);
            self.drop_works(partition, behind);
            return;
        }
        partition.parked(work.size);
        state.next += 1;
        let key = (at, state.next);
        state.waiting.insert(key, (Arc::clone(partition), work));
        let is_first = state.waiting.first_key_value().map(|(first, _)| *first) == Some(key);
        let attended = std::mem::replace(&mut state.attended, true);
        drop(state);
        if !attended {
            self.runtime.spawn(attend(Arc::clone(self)));
        } else if is_first {
            self.parked.earlier.notify_one();
        }
    }
}

/// Brings back what is due, until nothing waits.
async fn attend(shared: Arc<Shared>) {
    loop {
        let (due, next) = shared.parked.take_due();
        let none_due = due.is_empty();
        for (partition, work) in due {
            match shared.lanes.unpark(&partition, work) {
                Ok(hired) => shared.start_workers(hired),
                Err(work) => shared.drop_works(&partition, [work]),
            }
        }
        match next {
            Some(at) => {
                let at = tokio::time::Instant::from_std(at);
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = shared.parked.earlier.notified() => {}
                }
            }
            None if none_due => return,
            None => {}
        }
    }
}
