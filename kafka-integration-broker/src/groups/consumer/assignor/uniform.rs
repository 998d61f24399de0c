use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Candidate, Partitions, Sizes, readers};

/// As even as the subscriptions let it be, and as little moved as that needs.
///
/// Everybody keeps what they had. What nobody had goes to those who have least,
/// the topics first that few want. Then partitions go from those who have most
/// to those who have least, as long as that makes them more alike: each such
/// step lowers the sum of the squares, so there is an end.
pub(super) fn assign(members: &[Candidate<'_>], sizes: &Sizes) -> Vec<Partitions> {
    let readers = readers(members, 0..members.len());
    let mut shares = Shares::kept(members, sizes);
    let mut topics: Vec<(&Uuid, &Vec<usize>)> = readers.iter().collect();
    topics.sort_by_key(|(topic, readers)| (readers.len(), **topic));
    for (topic, readers) in topics {
        for index in 0..sizes.get(topic).copied().unwrap_or(0) {
            if !shares.given.contains(*topic, index) {
                shares.give(shares.least(readers), *topic, index);
            }
        }
    }
    while shares.even_out(&readers) {}
    shares.of
}

struct Shares {
    /// By the member's place.
    of: Vec<Partitions>,
    sizes: Vec<usize>,
    given: Partitions,
}

impl Shares {
    fn kept(members: &[Candidate<'_>], sizes: &Sizes) -> Self {
        let mut shares = Self {
            of: vec![Partitions::default(); members.len()],
            sizes: vec![0; members.len()],
            given: Partitions::default(),
        };
        for (place, member) in members.iter().enumerate() {
            for (topic, index) in member.had.iter().flat_map(|had| had.iter()) {
                let exists = sizes.get(&topic).is_some_and(|size| index < *size);
                let is_free = !shares.given.contains(topic, index);
                if exists && is_free && member.topics.contains(&topic) {
                    shares.give(place, topic, index);
                }
            }
        }
        shares
    }

    fn give(&mut self, place: usize, topic: Uuid, index: i32) {
        self.of[place].insert(topic, index);
        self.sizes[place] += 1;
        self.given.insert(topic, index);
    }

    /// Who of `places`, which are not none, has least.
    fn least(&self, places: &[usize]) -> usize {
        places
            .iter()
            .copied()
            .min_by_key(|place| self.sizes[*place])
            .unwrap_or_default()
    }

    /// Moves one partition, from the one with most that can give any.
    fn even_out(&mut self, readers: &BTreeMap<Uuid, Vec<usize>>) -> bool {
        let mut order: Vec<usize> = (0..self.of.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(self.sizes[*place]));
        for from in order {
            let takers = self.of[from].topics().filter_map(|(topic, _)| {
                let to = self.least(readers.get(&topic)?);
                (self.sizes[from] > self.sizes[to] + 1).then_some((self.sizes[to], topic, to))
            });
            let Some((_, topic, to)) = takers.min() else {
                continue;
            };
            let Some(index) = self.of[from].last_of(topic) else {
                continue;
            };
            self.of[from].remove(topic, index);
            self.sizes[from] -= 1;
            self.give(to, topic, index);
            return true;
        }
        false
    }
}
