use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::{Keep, Lane, Order, STANDS_STILL};
use crate::runner::partition::Partition;
use crate::runner::raw::Work;

/// The most messages of a partition that a worker takes at a time: enough to
/// make the hand-over cheap, few enough that partitions take turns.
const MAX_TURN: usize = 256;

/// One lane for each partition.
pub(super) struct ByPartition {
    /// How many messages a worker takes at a time. What it has taken can't be
    /// given back to the client while a handler hangs, so handlers that wait are
    /// handed few.
    turn: usize,
    lanes: FxHashMap<u64, PartitionLane>,
    ready: VecDeque<u64>,
}

struct PartitionLane {
    partition: Arc<Partition>,
    queue: VecDeque<Work>,
    state: LaneState,
    /// Messages that can't be moved away: nothing is started until they are.
    stops: usize,
    progress: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LaneState {
    Idle,
    Ready,
    Running,
    Parked,
    Stopped,
}

impl PartitionLane {
    fn idle(partition: &Arc<Partition>) -> Self {
        Self {
            partition: Arc::clone(partition),
            queue: VecDeque::new(),
            state: LaneState::Idle,
            stops: 0,
            progress: Instant::now(),
        }
    }
}

impl Default for ByPartition {
    fn default() -> Self {
        Self {
            turn: 1,
            lanes: FxHashMap::default(),
            ready: VecDeque::new(),
        }
    }
}

impl ByPartition {
    fn lane(&mut self, partition: &Arc<Partition>) -> Option<&mut PartitionLane> {
        self.lanes.get_mut(&partition.generation())
    }

    fn make_ready(&mut self, partition: &Arc<Partition>) {
        let id = partition.generation();
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.state = LaneState::Ready;
            self.ready.push_back(id);
        }
    }
}

impl Order for ByPartition {
    fn push(&mut self, partition: &Arc<Partition>, works: &mut Vec<Work>) {
        let lane = self
            .lanes
            .entry(partition.generation())
            .or_insert_with(|| PartitionLane::idle(partition));
        let stands_still = match lane.state {
            LaneState::Idle => false,
            LaneState::Parked | LaneState::Stopped => true,
            LaneState::Ready | LaneState::Running => lane.progress.elapsed() > STANDS_STILL,
        };
        if stands_still {
            // It may wait for long: it must not keep whole fetch buffers alive.
            works.iter_mut().for_each(Work::detach);
        }
        lane.queue.extend(works.drain(..));
        if lane.state == LaneState::Idle && !lane.queue.is_empty() {
            lane.progress = Instant::now();
            self.make_ready(partition);
        }
    }

    fn ready(&self) -> usize {
        self.ready.len()
    }

    fn take(&mut self, works: &mut VecDeque<Work>) -> Option<Arc<Partition>> {
        while let Some(id) = self.ready.pop_front() {
            let Some(lane) = self.lanes.get_mut(&id) else {
                continue;
            };
            if lane.state != LaneState::Ready {
                continue;
            }
            if lane.stops > 0 {
                lane.state = LaneState::Stopped;
                continue;
            }
            let count = lane.queue.len().min(self.turn);
            if count == 0 {
                lane.state = LaneState::Idle;
                continue;
            }
            works.extend(lane.queue.drain(..count));
            lane.state = LaneState::Running;
            return Some(Arc::clone(&lane.partition));
        }
        None
    }

    fn settle(&mut self, partition: &Arc<Partition>, finished: &[Lane]) {
        if finished.is_empty() {
            return;
        }
        if let Some(lane) = self.lane(partition) {
            lane.progress = Instant::now();
        }
    }

    fn hold(&mut self, _: &Arc<Partition>, _: Lane) {}

    fn give_back(&mut self, partition: &Arc<Partition>, rest: &mut VecDeque<Work>) {
        // The lane goes on with it when the handler is done.
        if let Some(lane) = self.lane(partition) {
            while let Some(work) = rest.pop_back() {
                lane.queue.push_front(work);
            }
        }
    }

    fn end_turn(&mut self, partition: &Arc<Partition>) {
        let Some(lane) = self.lane(partition) else {
            return;
        };
        if lane.state != LaneState::Running {
            return;
        }
        if lane.queue.is_empty() {
            lane.state = LaneState::Idle;
        } else {
            self.make_ready(partition);
        }
    }

    fn adapt(&mut self, waited: bool) {
        self.turn = if waited {
            1
        } else {
            (self.turn * 2).min(MAX_TURN)
        };
    }

    fn park(&mut self, partition: &Arc<Partition>, _: Lane, rest: &mut VecDeque<Work>) {
        if let Some(lane) = self.lane(partition) {
            lane.state = LaneState::Parked;
            // As in `push`.
            lane.queue = rest.drain(..).chain(lane.queue.drain(..)).collect();
            lane.queue.iter_mut().for_each(Work::detach);
        }
    }

    fn unpark(&mut self, partition: &Arc<Partition>, work: Work) {
        if let Some(lane) = self.lane(partition) {
            lane.queue.push_front(work);
            self.make_ready(partition);
        }
    }

    fn stop(&mut self, partition: &Arc<Partition>, _: Lane) -> bool {
        let lane = self.lanes.entry(partition.generation());
        let lane = lane.or_insert_with(|| PartitionLane::idle(partition));
        lane.stops += 1;
        if lane.state == LaneState::Idle {
            lane.state = LaneState::Stopped;
        }
        lane.queue.iter_mut().for_each(Work::detach);
        true
    }

    fn go_on(&mut self, partition: &Arc<Partition>, _: Lane) {
        let Some(lane) = self.lane(partition) else {
            return;
        };
        lane.stops = lane.stops.saturating_sub(1);
        if lane.stops == 0 && lane.state == LaneState::Stopped {
            lane.progress = Instant::now();
            self.make_ready(partition);
        }
    }

    fn shed(&mut self, partition: &Arc<Partition>, keep: Keep, shed: &mut Vec<Work>) {
        if let Some(lane) = self.lane(partition) {
            let kept = keep.count(&lane.queue);
            shed.extend(lane.queue.drain(kept..));
        }
        if !shed.is_empty() {
            partition.want_rewind();
        }
    }

    fn standing(&self, _: &Arc<Partition>) -> usize {
        0
    }

    fn rewound(&mut self, _: &Arc<Partition>) {}

    fn drain(&mut self, partition: &Arc<Partition>, dropped: &mut Vec<Work>) {
        // Whatever was started is with a worker; the queue is all above it.
        if let Some(lane) = self.lane(partition) {
            dropped.extend(lane.queue.drain(..));
        }
    }

    fn remove(&mut self, partition: &Arc<Partition>, dropped: &mut Vec<Work>) {
        if let Some(lane) = self.lanes.remove(&partition.generation()) {
            dropped.extend(lane.queue);
        }
    }
}
