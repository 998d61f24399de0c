//! What the poll thread, the lanes' workers and the rebalance callback of one
//! consumer share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

use super::budget::Budget;
use super::lanes::Lanes;
use super::partition::Partition;
use super::raw::Work;
use super::status::Counters;
use super::turn;
use crate::kafka::Kafka;
use crate::retry::RetryPolicy;

pub(super) struct Shared {
    pub(super) name: Arc<str>,
    pub(super) kafka: Kafka,
    pub(super) retry: RetryPolicy,
    pub(super) runtime: Handle,
    pub(super) budget: Budget,
    pub(super) lanes: Lanes,
    pub(super) counters: Arc<Counters>,
    drained: Condvar,
    drain: Mutex<()>,
}

impl Shared {
    pub(super) fn new(
        name: Arc<str>,
        kafka: Kafka,
        retry: RetryPolicy,
        runtime: Handle,
        budget: Budget,
        lanes: Lanes,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            name,
            kafka,
            retry,
            runtime,
            budget,
            lanes,
            counters,
            drained: Condvar::new(),
            drain: Mutex::new(()),
        }
    }

    /// Hands messages of a partition to the lanes.
    pub(super) fn dispatch(self: &Arc<Self>, partition: &Arc<Partition>, works: &mut Vec<Work>) {
        let bytes: usize = works.iter().map(|work| work.size).sum();
        partition.add_outstanding(works.len(), bytes);
        self.budget.take(works.len(), bytes);
        if partition.ended().is_cancelled() {
            // Nobody would take it out of the lanes again.
            self.drop_works(partition, works.drain(..));
            return;
        }
        let hired = self.lanes.push(partition, works);
        self.start_workers(hired);
        self.give_back(partition, works.drain(..));
    }

    /// Leaves messages to the client, which delivers them again later: they take
    /// no memory here, and the watermark does not pass them.
    pub(super) fn give_back(
        &self,
        partition: &Partition,
        works: impl IntoIterator<Item = Work>,
    ) -> usize {
        let works: Vec<_> = works.into_iter().collect();
        if !works.is_empty() {
            let sequences = works.iter().map(|work| work.sequence);
            partition.tracker().give_back(sequences);
        }
        let count = works.len();
        self.drop_works(partition, works);
        count
    }

    pub(super) fn start_workers(self: &Arc<Self>, workers: usize) {
        for _ in 0..workers {
            let shared = Arc::clone(self);
            let kafka = self.kafka.clone();
            self.runtime
                .spawn(async move { kafka.scope(turn::work(shared)).await });
        }
    }

    /// Has a failed message come back after `delay`, unless its partition goes
    /// before: then it is given up here, uncommitted, and delivered again to
    /// whoever has the partition next.
    pub(super) fn retry_later(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
        mut work: Work,
        delay: Duration,
    ) {
        let shared = Arc::clone(self);
        let partition = Arc::clone(partition);
        // It may wait for long; it must not keep a fetch buffer alive.
        work.detach();
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = partition.draining().cancelled() => {
                    shared.drop_works(&partition, [work]);
                }
                () = tokio::time::sleep(delay) => {
                    let hired = shared.lanes.unpark(&partition, work);
                    shared.start_workers(hired);
                }
            }
        });
    }

    /// Gives up messages without having finished them: their offsets stay
    /// uncommitted.
    pub(super) fn drop_works(&self, partition: &Partition, works: impl IntoIterator<Item = Work>) {
        let (mut count, mut bytes) = (0, 0);
        for work in works {
            count += 1;
            bytes += work.size;
        }
        if count > 0 {
            self.release(partition, count, bytes);
        }
    }

    pub(super) fn release(&self, partition: &Partition, messages: usize, bytes: usize) {
        self.budget.release(messages, bytes);
        if partition.remove_outstanding(messages, bytes) {
            drop(self.drain.lock());
            self.drained.notify_all();
        }
    }

    /// Starts draining: what was not started is given up, except below what was.
    pub(super) fn begin_drain(&self, partitions: &[Arc<Partition>]) {
        for partition in partitions {
            partition.begin_drain();
            let dropped = self.lanes.drain(partition);
            self.drop_works(partition, dropped);
        }
    }

    /// Blocks until the partitions have nothing in flight or it is `deadline`;
    /// `true` when they have nothing.
    pub(super) fn wait_drained(&self, partitions: &[Arc<Partition>], deadline: Instant) -> bool {
        let mut guard = self.drain.lock();
        loop {
            if partitions.iter().all(|p| p.outstanding() == 0) {
                return true;
            }
            if self.drained.wait_until(&mut guard, deadline).timed_out() {
                return partitions.iter().all(|p| p.outstanding() == 0);
            }
        }
    }

    /// Ends assignments: from here on nothing of them is started or counted.
    pub(super) fn close(&self, partitions: &[Arc<Partition>]) {
        for partition in partitions {
            partition.close();
            let dropped = self.lanes.remove(partition);
            self.drop_works(partition, dropped);
        }
    }
}
