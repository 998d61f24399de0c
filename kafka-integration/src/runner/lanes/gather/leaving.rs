//! What leaves without having been handled.

use std::sync::Arc;
use std::time::Instant;

use super::lane::GatherLane;
use super::{Gather, Keep, Lane, LaneId};
use crate::consumer::Ordering;
use crate::runner::partition::Partition;
use crate::runner::raw::Work;

impl Gather {
    /// Removes what would only wait; by partition, all but `keep`.
    pub(in crate::runner::lanes) fn shed(
        &mut self,
        partition: &Arc<Partition>,
        keep: Keep,
        now: Instant,
        shed: &mut Vec<Work>,
    ) {
        let ours = partition.generation();
        match self.ordering {
            Ordering::None => {}
            Ordering::Partition => {
                self.shed_lane(partition, Some(0), keep, shed);
                if !shed.is_empty() {
                    partition.want_rewind();
                }
            }
            Ordering::Key => {
                let lanes = self.lanes.iter();
                let stand = lanes.filter(|(id, lane)| id.0 == ours && lane.stands_still(now));
                let stand: Vec<_> = stand.map(|(id, _)| *id).collect();
                for (_, lane) in stand {
                    self.shed_lane(partition, lane, self.may_wait, shed);
                }
            }
        }
    }

    fn shed_lane(
        &mut self,
        partition: &Arc<Partition>,
        lane: Lane,
        keep: Keep,
        shed: &mut Vec<Work>,
    ) {
        let id = (partition.generation(), lane);
        let before = shed.len();
        let waiting = self
            .lanes
            .get(&id)
            .into_iter()
            .flat_map(GatherLane::waiting);
        let all = waiting.chain(self.unread.of(id));
        let mut kept = keep.count(all.map(|message| &message.work));
        self.lane(id, partition);
        self.change(id, |lane| {
            let stay = kept.min(lane.waiting().len());
            kept -= stay;
            shed.extend(lane.cut(stay));
        });
        shed.extend(self.unread.cut(id, kept));
        if shed.len() > before {
            self.change(id, |lane| lane.spilled = true);
        }
    }

    /// Messages in keys that stand still.
    pub(in crate::runner::lanes) fn standing(
        &self,
        partition: &Arc<Partition>,
        now: Instant,
    ) -> usize {
        if self.ordering != Ordering::Key {
            return 0;
        }
        let ours = partition.generation();
        let lanes = self
            .lanes
            .iter()
            .filter(|(id, _)| id.0 == ours && id.1.is_some());
        let standing = lanes.filter(|(_, lane)| lane.stands_still(now));
        standing.map(|(_, lane)| lane.len()).sum()
    }

    /// What was given back is about to be delivered again.
    pub(in crate::runner::lanes) fn rewound(&mut self, partition: &Arc<Partition>) {
        let ours = partition.generation();
        if self.reading {
            self.stale.push(ours);
        }
        for id in self.lanes_of(ours) {
            self.change(id, |lane| lane.spilled = false);
        }
    }

    /// Removes what has not been started of a partition.
    pub(in crate::runner::lanes) fn drain(
        &mut self,
        partition: &Arc<Partition>,
        dropped: &mut Vec<Work>,
    ) {
        let ours = partition.generation();
        for id in self.lanes_of(ours) {
            self.change(id, |lane| {
                lane.spilled = false;
                dropped.extend(lane.cut(0));
            });
        }
        dropped.extend(self.unread.remove(ours));
    }

    /// Removes everything of a partition.
    pub(in crate::runner::lanes) fn remove(
        &mut self,
        partition: &Arc<Partition>,
        dropped: &mut Vec<Work>,
    ) {
        self.drain(partition, dropped);
        // No lane of it has a message that may go.
        let ours = partition.generation();
        self.lanes.retain(|id, _| id.0 != ours);
    }

    fn lanes_of(&self, generation: u64) -> Vec<LaneId> {
        let lanes = self.lanes.keys().filter(|id| id.0 == generation);
        lanes.copied().collect()
    }
}
