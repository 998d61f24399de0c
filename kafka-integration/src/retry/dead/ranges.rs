use std::collections::BTreeMap;

/// Offsets of a partition, as ranges that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// From the first offset of each to the one after its last.
    ends: BTreeMap<i64, i64>,
}

impl Ranges {
    /// Adds the offsets from `start` to before `end`.
    pub(super) fn insert(&mut self, mut start: i64, mut end: i64) {
        if start >= end {
            return;
        }
        while let Some((&first, &last)) = self.ends.range(..=end).next_back() {
            if last < start {
                break;
            }
            (start, end) = (start.min(first), end.max(last));
            self.ends.remove(&first);
        }
        self.ends.insert(start, end);
    }

    pub(super) fn contains(&self, offset: i64) -> bool {
        self.end_of(offset).is_some()
    }

    /// The first offset from there on that is not among them.
    pub(super) fn first_outside(&self, offset: i64) -> i64 {
        self.end_of(offset).unwrap_or(offset)
    }

    /// The offset after the last of them.
    pub(super) fn end(&self) -> Option<i64> {
        self.ends.values().next_back().copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.ends.iter().map(|(start, end)| (*start, *end))
    }

    fn end_of(&self, offset: i64) -> Option<i64> {
        let (_, end) = self.ends.range(..=offset).next_back()?;
        (offset < *end).then_some(*end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_or_overlap_become_one() {
        let mut ranges = Ranges::default();
        for (start, end) in [(10, 20), (30, 40), (5, 5), (20, 21), (0, 3), (3, 4)] {
            ranges.insert(start, end);
        }
        let all: Vec<_> = ranges.iter().collect();
        assert_eq!(all, [(0, 4), (10, 21), (30, 40)]);
        ranges.insert(2, 35);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(0, 40)]);
        ranges.insert(12, 15);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(0, 40)]);
    }

    #[test]
    fn an_offset_is_inside_or_the_first_one_outside_is_told() {
        let mut ranges = Ranges::default();
        assert_eq!((ranges.first_outside(7), ranges.end()), (7, None));
        ranges.insert(0, 4);
        ranges.insert(6, 8);
        let inside: Vec<_> = (0..10).filter(|offset| ranges.contains(*offset)).collect();
        assert_eq!(inside, [0, 1, 2, 3, 6, 7]);
        assert_eq!((ranges.first_outside(2), ranges.first_outside(5)), (4, 5));
        assert_eq!(ranges.end(), Some(8));
    }

    #[test]
    fn any_order_gives_the_same() {
        let mut one_by_one = Ranges::default();
        for offset in [3, 1, 9, 2, 0, 8] {
            one_by_one.insert(offset, offset + 1);
        }
        assert_eq!(one_by_one.iter().collect::<Vec<_>>(), [(0, 4), (8, 10)]);
    }
}
