use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{Gathered, LaneId};
use crate::runner::raw::Work;

/// Messages that are not decoded yet, in order of arrival within each partition.
#[derive(Default)]
pub(super) struct Unread(FxHashMap<u64, VecDeque<Gathered>>);

impl Unread {
    pub(super) fn push(&mut self, message: Gathered) {
        let queue = self.0.entry(message.partition.generation()).or_default();
        queue.push_back(message);
    }

    /// Whether a partition that `wanted` names has any.
    pub(super) fn has(&self, wanted: impl Fn(u64) -> bool) -> bool {
        self.0.keys().any(|generation| wanted(*generation))
    }

    /// Takes the earliest, at most so many, of the partitions that `wanted` names.
    pub(super) fn take(&mut self, most: usize, wanted: impl Fn(u64) -> bool) -> Vec<Gathered> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let wanted = self.0.iter_mut().filter(|(id, _)| wanted(**id));
            let arrival = |queue: &VecDeque<Gathered>| queue.front().map(|m| m.number);
            let Some((generation, queue)) = wanted.min_by_key(|(_, queue)| arrival(queue)) else {
                break;
            };
            let generation = *generation;
            // They arrive in runs of a partition, which are told apart by their
            // numbers.
            let mut next = arrival(queue);
            while taken.len() < most && next.is_some() && arrival(queue) == next {
                taken.extend(queue.pop_front());
                next = next.map(|number| number + 1);
            }
            if queue.is_empty() {
                self.0.remove(&generation);
            }
        }
        taken
    }

    pub(super) fn of(&self, id: LaneId) -> impl Iterator<Item = &Gathered> {
        let queue = self.0.get(&id.0).into_iter().flatten();
        queue.filter(move |message| message.work.lane == id.1)
    }

    /// Removes those of a lane, but for the first so many.
    pub(super) fn cut(&mut self, id: LaneId, mut kept: usize) -> Vec<Work> {
        let Some(queue) = self.0.get_mut(&id.0) else {
            return Vec::new();
        };
        let mut cut = Vec::new();
        let mut left = VecDeque::with_capacity(queue.len());
        for message in queue.drain(..) {
            let ours = message.work.lane == id.1;
            if ours && kept == 0 {
                cut.push(message.work);
            } else {
                kept -= usize::from(ours);
                left.push_back(message);
            }
        }
        match left.is_empty() {
            true => drop(self.0.remove(&id.0)),
            false => *queue = left,
        }
        cut
    }

    /// Removes those of a partition.
    pub(super) fn remove(&mut self, generation: u64) -> impl Iterator<Item = Work> {
        let queue = self.0.remove(&generation).unwrap_or_default();
        queue.into_iter().map(|message| message.work)
    }
}
