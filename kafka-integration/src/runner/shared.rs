//! What the poll thread, the lanes' workers and the rebalance callback of one
//! consumer share.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

use super::budget::Budget;
use super::lanes::Lanes;
use super::parked::Parked;
use super::partition::Partition;
use super::raw::{TopicName, Work};
use super::status::Counters;
use super::turn;
use crate::kafka::{ClientError, Kafka};
use crate::retry::Mover;

pub(super) struct Shared {
    pub(super) name: Arc<str>,
    pub(super) kafka: Kafka,
    pub(super) mover: Mover,
    pub(super) runtime: Handle,
    pub(super) budget: Budget,
    pub(super) lanes: Lanes,
    pub(super) parked: Parked,
    pub(super) counters: Arc<Counters>,
    /// What the error handler is to be told, which the poll thread does.
    reports: Mutex<VecDeque<ClientError>>,
    /// Retry topics in which a message of another group was met.
    with_others: Mutex<HashSet<TopicName>>,
    drained: Condvar,
    drain: Mutex<()>,
}

/// The most reports that wait for the error handler; later ones say the same.
const MOST_REPORTS: usize = 256;

impl Shared {
    pub(super) fn new(
        name: Arc<str>,
        mover: Mover,
        runtime: Handle,
        budget: Budget,
        lanes: Lanes,
        counters: Arc<Counters>,
        kafka: Kafka,
    ) -> Self {
        Self {
            name,
            kafka,
            mover,
            runtime,
            budget,
            lanes,
            parked: Parked::default(),
            counters,
            reports: Mutex::default(),
            with_others: Mutex::default(),
            drained: Condvar::new(),
            drain: Mutex::new(()),
        }
    }

    /// Has the error handler told.
    pub(super) fn report(&self, error: ClientError) {
        let mut reports = self.reports.lock();
        if reports.len() < MOST_REPORTS {
            reports.push_back(error);
        }
    }

    /// What the error handler has not been told yet.
    pub(super) fn take_report(&self) -> Option<ClientError> {
        self.reports.lock().pop_front()
    }

    /// A message of another group is in that retry topic; whether that is news.
    pub(super) fn is_first_of_another_group(&self, topic: &TopicName) -> bool {
        self.with_others.lock().insert(Arc::clone(topic))
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
        self.attend_alarm();
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
            // After the lanes: what they let go of may be parked meanwhile.
            let parked = self.parked.remove(partition);
            self.drop_works(partition, parked);
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
            let parked = self.parked.remove(partition);
            self.drop_works(partition, parked);
        }
        self.look_now();
    }
}
