//! Messages that stayed behind when everything around them was finished.

use std::collections::VecDeque;

use super::State;

/// In order of delivery. A finished one stays until it is in front or until half
/// of them are: that makes finishing cheap in any order.
#[derive(Debug, Default)]
pub(super) struct Stragglers {
    list: VecDeque<Straggler>,
    /// How many are not finished.
    open: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Straggler {
    pub(super) sequence: u64,
    pub(super) offset: i64,
    pub(super) state: State,
}

/// Fewer are not worth clearing up.
const WORTH_CLEARING: usize = 64;

impl Stragglers {
    /// One that was delivered after all of them and is not finished.
    pub(super) fn push(&mut self, straggler: Straggler) {
        self.open += 1;
        self.list.push_back(straggler);
    }

    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The lowest one; not finished.
    pub(super) fn front(&self) -> Option<&Straggler> {
        self.list.front()
    }

    /// Those that are not finished.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Straggler> {
        let open = |straggler: &&Straggler| straggler.state != State::Finished;
        self.list.iter().filter(open)
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&Straggler> {
        let place = self.list.binary_search_by_key(&sequence, |s| s.sequence);
        place.ok().and_then(|place| self.list.get(place))
    }

    pub(super) fn get_mut(&mut self, sequence: u64) -> Option<&mut Straggler> {
        let place = self.list.binary_search_by_key(&sequence, |s| s.sequence);
        place.ok().and_then(|place| self.list.get_mut(place))
    }

    /// The first one at that offset or above.
    pub(super) fn at_or_above(&self, offset: i64) -> Option<&Straggler> {
        let place = self.list.partition_point(|s| s.offset < offset);
        self.list.get(place)
    }

    /// One of them has become finished.
    pub(super) fn finished(&mut self) {
        self.open -= 1;
    }

    /// Finishes those from `from` up to `end` that are `gone`; how many.
    pub(super) fn finish_where(
        &mut self,
        from: u64,
        end: u64,
        gone: impl Fn(State) -> bool,
    ) -> usize {
        let start = self.list.partition_point(|s| s.sequence < from);
        let mut count = 0;
        for straggler in self.list.range_mut(start..) {
            if straggler.sequence >= end {
                break;
            }
            if gone(straggler.state) {
                straggler.state = State::Finished;
                count += 1;
            }
        }
        self.open -= count;
        count
    }

    /// Forgets finished ones.
    pub(super) fn clear_up(&mut self) {
        while let Some(front) = self.list.front()
            && front.state == State::Finished
        {
            self.list.pop_front();
        }
        if self.list.len() >= WORTH_CLEARING && self.list.len() > 2 * self.open {
            self.list.retain(|s| s.state != State::Finished);
            self.list.shrink_to(2 * self.open);
        }
    }
}
