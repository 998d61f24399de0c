//! What is known of a message's earlier attempts.

use std::time::{Duration, Instant};

use super::partition::Partition;
use super::raw::Work;
use super::rules::Rules;
use crate::commit_record::FailedAttempt;
use crate::message::{Headers, Timestamp};
use crate::retry::{Original, Trail};

/// The longest that a policy has a message wait.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3_600);

/// The attempts before this one.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// When the first of them failed.
    pub(crate) first_failure: Timestamp,
    /// How many there were.
    attempts: u32,
    /// Where the message stood then; `None` when it is still there.
    pub(crate) original: Option<Original>,
    /// Not to be tried again before.
    due: Option<Timestamp>,
}

impl Work {
    /// Takes note of a failed attempt.
    pub(super) fn failed_now(&mut self) {
        self.past.get_or_insert_with(|| {
            Box::new(Past {
                attempts: 0,
                first_failure: Timestamp::now(),
                original: None,
                due: None,
            })
        });
    }

    /// Finds out about attempts before this process got the message; when it is
    /// to be tried again, if that is not now.
    pub(super) fn recall(&mut self, partition: &Partition) -> Option<Instant> {
        if partition.rules.is_retry
            && let Some(trail) = Trail::of(&self.message.headers())
        {
            let before = Past::of_trail(trail);
            self.past = Some(Box::new(match self.past.take() {
                // Tried again where it waits, and failed.
                Some(here) if here.attempts > before.attempts => Past {
                    first_failure: before.first_failure,
                    original: before.original,
                    ..*here
                },
                _ => before,
            }));
        }
        let past = self.past.as_deref()?;
        self.attempt = past.attempts;
        past.wait()
    }

    /// The message's headers without what the framework added to them.
    pub(super) fn original_headers(&mut self, rules: &Rules) -> Headers {
        let headers = self.message.headers();
        match rules.is_retry {
            true => Trail::strip(&headers),
            false => headers,
        }
    }
}

impl Past {
    /// As the commit's metadata tell it.
    pub(super) fn of_record(failed: FailedAttempt) -> Self {
        Self {
            attempts: failed.attempts,
            first_failure: Timestamp::from_millis(failed.first_failure_ms),
            original: None,
            due: Some(Timestamp::from_millis(failed.due_ms)),
        }
    }

    fn of_trail(trail: Trail) -> Self {
        Self {
            attempts: trail.attempts,
            first_failure: trail.first_failure,
            original: Some(trail.original),
            due: trail.due,
        }
    }

    fn wait(&self) -> Option<Instant> {
        let due = self.due?.as_millis();
        let millis = due.saturating_sub(Timestamp::now().as_millis());
        let millis = u64::try_from(millis).ok().filter(|millis| *millis > 0)?;
        // Whatever a header says, a message comes back some day.
        Some(Instant::now() + Duration::from_millis(millis).min(LONGEST_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_header_says_the_wait_ends_within_a_year() {
        let due = |millis| Past {
            attempts: 1,
            first_failure: Timestamp::from_millis(0),
            original: None,
            due: Some(Timestamp::from_millis(millis)),
        };
        assert_eq!(due(i64::MIN).wait(), None);
        let latest = due(i64::MAX).wait().expect("later");
        assert!(latest <= Instant::now() + LONGEST_WAIT);
    }
}
