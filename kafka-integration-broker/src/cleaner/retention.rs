//! Which records are too old or too many.

use crate::store::BatchInfo;

/// Walks over a partition's batches, oldest first, to where its log should
/// begin.
#[derive(Debug)]
pub(super) struct Retention {
    /// Batches whose newest record is older have expired.
    expired_before: Option<i64>,
    retention_ms: i64,
    /// Bytes that must go.
    excess: i64,
    cut: Option<i64>,
    due: Option<i64>,
}

impl Retention {
    /// `size` is all bytes of the partition.
    pub(super) fn new(
        retention_ms: Option<i64>,
        retention_bytes: Option<i64>,
        size: i64,
        now: i64,
    ) -> Self {
        Self {
            expired_before: retention_ms.map(|ms| now.saturating_sub(ms)),
            retention_ms: retention_ms.unwrap_or(i64::MAX),
            excess: retention_bytes.map_or(0, |bytes| size - bytes),
            cut: None,
            due: None,
        }
    }

    /// Looks at the next batch; returns whether to go on.
    pub(super) fn see(&mut self, batch: &BatchInfo) -> bool {
        // Only whole batches go, and what stays is not below the limit.
        if self.excess >= batch.size {
            self.excess -= batch.size;
            self.cut = Some(batch.last_offset + 1);
            return true;
        }
        self.excess = 0;
        let Some(expired_before) = self.expired_before else {
            return false;
        };
        if batch.max_timestamp < 0 {
            // It has no time, so it goes when one after it goes.
            return true;
        }
        if batch.max_timestamp < expired_before {
            self.cut = Some(batch.last_offset + 1);
            return true;
        }
        self.due = Some(batch.max_timestamp.saturating_add(self.retention_ms));
        false
    }

    /// Where the log should begin, if that is further on.
    pub(super) fn cut(&self) -> Option<i64> {
        self.cut
    }

    /// When the oldest batch that stays will have expired, in ms since 1970.
    pub(super) fn due(&self) -> Option<i64> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(mut retention: Retention, batches: &[(i64, i64)]) -> (Option<i64>, Option<i64>) {
        for (at, (max_timestamp, size)) in batches.iter().enumerate() {
            let base_offset = at as i64 * 10;
            let info = BatchInfo {
                base_offset,
                last_offset: base_offset + 9,
                max_timestamp: *max_timestamp,
                size: *size,
            };
            if !retention.see(&info) {
                break;
            }
        }
        (retention.cut(), retention.due())
    }

    #[test]
    fn time_cuts_up_to_the_first_batch_that_is_young_enough() {
        let by_time = || Retention::new(Some(100), None, 0, 1_000);
        assert_eq!(
            walk(by_time(), &[(500, 1), (899, 1), (900, 1), (1, 1)]),
            (Some(20), Some(1_000))
        );
        assert_eq!(walk(by_time(), &[(950, 1), (1, 1)]), (None, Some(1_050)));
        assert_eq!(walk(by_time(), &[(1, 1)]), (Some(10), None));
    }

    #[test]
    fn a_batch_without_a_time_goes_with_one_after_it() {
        let by_time = || Retention::new(Some(100), None, 0, 1_000);
        assert_eq!(walk(by_time(), &[(-1, 1)]), (None, None));
        assert_eq!(walk(by_time(), &[(-1, 1), (5, 1)]), (Some(20), None));
    }

    #[test]
    fn size_leaves_at_least_what_is_to_be_kept() {
        let by_size = |bytes| Retention::new(None, Some(bytes), 40, 1_000);
        let batches = [(1, 10), (1, 10), (1, 10), (1, 10)];
        assert_eq!(walk(by_size(20), &batches), (Some(20), None));
        assert_eq!(walk(by_size(25), &batches), (Some(10), None));
        assert_eq!(walk(by_size(0), &batches), (Some(40), None));
        assert_eq!(walk(by_size(40), &batches), (None, None));
    }

    #[test]
    fn nothing_is_cut_where_everything_is_kept() {
        let none = Retention::new(None, None, 40, 1_000);
        assert_eq!(walk(none, &[(1, 10)]), (None, None));
    }
}
