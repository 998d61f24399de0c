use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use crate::runner::lanes::Lane;
use crate::runner::partition::Partition;
use crate::runner::raw::Work;

/// A message on its way into a batch.
pub(in crate::runner) struct Gathered {
    pub(in crate::runner) partition: Arc<Partition>,
    pub(in crate::runner) work: Work,
    /// Its decoded content, while that is known.
    pub(in crate::runner) value: Option<Box<dyn Any + Send>>,
    /// When it goes at the latest, as far as workers are free.
    pub(in crate::runner) due: Instant,
    /// It goes in a batch of its own.
    pub(in crate::runner) alone: bool,
    /// Its place in the order of arrival.
    pub(in crate::runner) number: u64,
}

impl Gathered {
    /// One that was tried before, with its place in the order of arrival.
    pub(in crate::runner) fn again(partition: Arc<Partition>, work: Work, number: u64) -> Self {
        Self {
            partition,
            work,
            value: None,
            due: Instant::now(),
            alone: false,
            number,
        }
    }

    /// What the lanes have to know of it to park it.
    pub(in crate::runner) fn parking(&self) -> Parking {
        Parking {
            partition: Arc::clone(&self.partition),
            lane: self.work.lane,
            sequence: self.work.sequence,
            number: self.number,
        }
    }
}

/// A message that is to wait for its retry.
pub(in crate::runner) struct Parking {
    pub(super) partition: Arc<Partition>,
    pub(super) lane: Lane,
    pub(super) sequence: u64,
    pub(super) number: u64,
}

impl Parking {
    pub(in crate::runner::lanes) fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }
}

/// Messages that were decoded and are not kept here.
#[derive(Default)]
pub(in crate::runner) struct Read {
    /// Of partitions that are going: to be given up.
    pub(in crate::runner) dropped: Vec<Gathered>,
    /// To be delivered again later, in order.
    pub(in crate::runner) returned: Vec<Gathered>,
    /// To come back at that time.
    pub(in crate::runner) parked: Vec<(Gathered, Instant)>,
}
