use std::sync::Arc;
use std::time::Instant;

use super::Keep;
use super::gather::{Gather, Gathered};
use crate::consumer::Ordering;
use crate::runner::partition::Partition;

/// The gathered messages of a consumer, by topic.
pub(super) struct Gathers {
    ordering: Ordering,
    may_wait: Keep,
    /// With the address of its topic's handler.
    topics: Vec<(usize, Gather)>,
    /// Whose turn it is.
    turn: usize,
    pressed: bool,
}

impl Gathers {
    pub(super) fn new(ordering: Ordering, may_wait: Keep) -> Self {
        Self {
            ordering,
            may_wait,
            topics: Vec::new(),
            turn: 0,
            pressed: false,
        }
    }

    /// Where the partition's messages are gathered; `None` when its topic does
    /// not take batches.
    pub(super) fn of(&mut self, partition: &Partition) -> Option<&mut Gather> {
        let policy = partition.handler.batches()?.policy();
        let id = Arc::as_ptr(&partition.handler).cast::<()>() as usize;
        let index = match self.topics.iter().position(|(topic, _)| *topic == id) {
            Some(index) => index,
            None => {
                let mut gather = Gather::new(policy.clone(), self.ordering, self.may_wait);
                gather.press(self.pressed);
                self.topics.push((id, gather));
                self.topics.len() - 1
            }
        };
        self.topics.get_mut(index).map(|(_, gather)| gather)
    }

    /// How many workers would find something to do.
    pub(super) fn ready(&mut self, now: Instant) -> usize {
        self.all().map(|gather| gather.ready(now)).sum()
    }

    /// The first look that is needed if nothing happens before.
    pub(super) fn next_look(&mut self, now: Instant) -> Option<Instant> {
        self.all().filter_map(|gather| gather.next_look(now)).min()
    }

    /// Whether there is no room for more messages.
    pub(super) fn press(&mut self, pressed: bool) {
        self.pressed = pressed;
        self.all().for_each(|gather| gather.press(pressed));
    }

    /// A batch that is to go; the topics take turns.
    pub(super) fn take(&mut self, now: Instant) -> Option<Vec<Gathered>> {
        self.first(|gather| gather.take(now))
    }

    /// Messages to decode.
    pub(super) fn take_unread(&mut self) -> Option<Vec<Gathered>> {
        self.first(Gather::take_unread)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Gather> {
        self.topics.iter_mut().map(|(_, gather)| gather)
    }

    fn first<R>(&mut self, mut take: impl FnMut(&mut Gather) -> Option<R>) -> Option<R> {
        let count = self.topics.len();
        for step in 1..=count {
            let index = (self.turn + step) % count;
            if let Some(taken) = take(&mut self.topics[index].1) {
                self.turn = index;
                return Some(taken);
            }
        }
        None
    }
}
