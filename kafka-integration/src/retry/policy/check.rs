//! What is wrong with a policy, found before anything runs.

use std::fmt::Display;

use super::RetryPolicy;
use crate::settings::duration;

/// A policy that can't be followed: a number out of range, or two fields that
/// contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
#[non_exhaustive]
pub struct RetryPolicyError {
    /// The field of [`RetryPolicy`], which is the key below `retry` in settings.
    pub field: &'static str,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

impl RetryPolicy {
    /// Checks that the policy can be followed. Settings are checked when they are
    /// loaded, and policies of topics and consumers before they run.
    ///
    /// # Errors
    /// The first mistake: a `factor` below 1, a `jitter` outside 0 to 1, a
    /// `log_every` of 0, a `max_delay` below `delay`, a class that is both
    /// included and excluded, `preserve_order` without blocking.
    pub fn check(&self) -> Result<(), RetryPolicyError> {
        let refuse = |field, reason: &dyn Display| {
            Err(RetryPolicyError {
                field,
                reason: reason.to_string(),
            })
        };
        if !(self.factor.is_finite() && self.factor >= 1.0) {
            let reason = format_args!("must be a number of at least 1, found {}", self.factor);
            return refuse("factor", &reason);
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            let reason = format_args!("must be a number from 0 to 1, found {}", self.jitter);
            return refuse("jitter", &reason);
        }
        if self.log_every == 0 {
            return refuse("log_every", &"must be at least 1, found 0");
        }
        if self.max_delay < self.delay {
            // Such a delay would be cut without a word.
            let (most, delay) = (
                duration::format(self.max_delay),
                duration::format(self.delay),
            );
            let reason = format_args!("({most}) is shorter than `delay` ({delay}); raise it");
            return refuse("max_delay", &reason);
        }
        if let Some(class) = self.exclude.iter().find(|c| self.include.contains(c)) {
            let name = class.name();
            let reason = format_args!("names `{name}`, which `include` names as well; remove one");
            return refuse("exclude", &reason);
        }
        if self.preserve_order && self.blocking == Some(false) {
            let reason = "keeps later messages of a key waiting where they are, which \
                          `blocking = false` forbids; remove one of them";
            return refuse("preserve_order", &reason);
        }
        Ok(())
    }
}
