//! Who is to read which partitions.

mod range;
mod uniform;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::partitions::Partitions;

/// A member, as an assignor sees it.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) id: &'a str,
    pub(super) instance_id: Option<&'a str>,
    /// The topics it wants, all of which exist.
    pub(super) topics: BTreeSet<Uuid>,
    /// What the target before this one gave it.
    pub(super) had: Option<&'a Partitions>,
}

/// The number of partitions of each topic.
pub(super) type Sizes = BTreeMap<Uuid, i32>;

/// The assignors of Apache Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Assignor {
    /// Each topic is cut into as many ranges as it has readers.
    Range,
    /// All get as many partitions as the others, and keep what they had.
    Uniform,
}

impl Assignor {
    /// In the order in which Apache Kafka names them; the first is the default.
    pub(super) const ALL: [Self; 2] = [Self::Uniform, Self::Range];
    pub(super) const DEFAULT: Self = Self::Uniform;

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|assignor| assignor.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Uniform => "uniform",
        }
    }

    /// A target for each of `members`, in their order. Every partition of a
    /// topic that somebody wants is in exactly one.
    pub(super) fn assign(self, members: &[Candidate<'_>], sizes: &Sizes) -> Vec<Partitions> {
        match self {
            Self::Range => range::assign(members, sizes),
            Self::Uniform => uniform::assign(members, sizes),
        }
    }
}

/// The members that want each topic, by their place in `members`.
fn readers(
    members: &[Candidate<'_>],
    order: impl Iterator<Item = usize>,
) -> BTreeMap<Uuid, Vec<usize>> {
    let mut readers: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    for place in order {
        for topic in members.get(place).iter().flat_map(|member| &member.topics) {
            readers.entry(*topic).or_default().push(place);
        }
    }
    readers
}
