use std::collections::VecDeque;

/// Jumps that are remembered: more than a pipeline has on its way.
const REMEMBERED: usize = 100_000;

/// Which line of the file each record came from, in bounded memory: mostly a
/// record is one line, so that only the jumps in between are kept.
#[derive(Default)]
pub(super) struct Positions {
    /// A record's number and its line, where the line is not the previous one's
    /// next.
    jumps: VecDeque<(u64, u64)>,
    records: u64,
}

impl Positions {
    /// The next record came from that line.
    pub(super) fn push(&mut self, line: u64) {
        if self.line(self.records) != Some(line) {
            if self.jumps.len() == REMEMBERED {
                self.jumps.pop_front();
            }
            self.jumps.push_back((self.records, line));
        }
        self.records += 1;
    }

    /// The line of a record; `None` when it is long gone.
    pub(super) fn line(&self, record: u64) -> Option<u64> {
        let after = self.jumps.partition_point(|(first, _)| *first <= record);
        let (first, line) = self.jumps.get(after.checked_sub(1)?)?;
        Some(line + (record - first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again_over_jumps() {
        let mut positions = Positions::default();
        let lines = [2, 3, 4, 7, 8, 20];
        lines.iter().for_each(|line| positions.push(*line));
        let found: Vec<_> = (0..6).filter_map(|record| positions.line(record)).collect();
        assert_eq!(found, lines);
        assert_eq!(positions.jumps.len(), 3);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let mut positions = Positions::default();
        let records = REMEMBERED as u64 + 10;
        (0..records).for_each(|record| positions.push(record * 3));
        assert_eq!(positions.jumps.len(), REMEMBERED);
        assert_eq!(positions.line(9), None);
        assert_eq!(positions.line(records - 1), Some((records - 1) * 3));
    }
}
