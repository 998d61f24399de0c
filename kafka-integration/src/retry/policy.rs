use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ConsumeError;
use crate::codec::DecodeError;

/// How long a failed message waits before it is tried again.
///
/// The n-th delay is `delay × factor^(n-1)`, at most `max_delay`, made up to
/// `jitter` (a share of it) shorter at random so that failed messages don't come
/// back in step. There is no last attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// The first delay. Default 1 s.
    #[serde(with = "crate::settings::duration")]
    pub delay: Duration,
    /// What each further delay is multiplied by, at least 1. Default 2.
    pub factor: f64,
    /// The longest delay. Default 60 s.
    #[serde(with = "crate::settings::duration")]
    pub max_delay: Duration,
    /// The share of the delay that is random, from 0 to 1. Default 0.1.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(1),
            factor: 2.0,
            max_delay: Duration::from_secs(60),
            jitter: 0.1,
        }
    }
}

/// Why a message is not finished.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The handler returned an error.
    Handler(ConsumeError),
    /// The handler panicked; the text is the panic's.
    Panic(String),
    /// The record's bytes are not what the topic declares.
    Decode(DecodeError),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Handler(error) => write!(f, "the handler failed: {error}"),
            Self::Panic(text) => write!(f, "the handler panicked: {text}"),
            Self::Decode(error) => error.fmt(f),
        }
    }
}

/// What becomes of a failed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its lane waits, then it is tried again.
    RetryAfter(Duration),
}

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

impl RetryPolicy {
    /// Decides about a failed message; `attempt` counts from 1.
    pub(crate) fn decide(&self, attempt: u32, _failure: &Failure) -> Verdict {
        let exponent = attempt.saturating_sub(1).min(1_000);
        let grown = self.delay.as_secs_f64() * self.factor.max(1.0).powi(exponent as i32);
        // Zero times an overflow is not a number; a year is longer than any wait.
        let ceiling = self.max_delay.min(A_YEAR).as_secs_f64();
        let capped = if self.delay.is_zero() {
            0.0
        } else {
            grown.min(ceiling)
        };
        let jittered = capped * (1.0 - self.jitter.clamp(0.0, 1.0) * unit_random());
        Verdict::RetryAfter(Duration::from_secs_f64(jittered.max(0.0)))
    }
}

/// A number from 0 to 1 that differs from call to call. It spreads retries;
/// nothing depends on its quality.
fn unit_random() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_ceiling_and_never_overflow() {
        let policy = RetryPolicy {
            jitter: 0.0,
            ..RetryPolicy::default()
        };
        let failure = Failure::Panic(String::new());
        let delays: Vec<_> = [1, 2, 3, 7, 1_000, u32::MAX]
            .map(|attempt| policy.decide(attempt, &failure))
            .to_vec();
        let seconds = |s| Verdict::RetryAfter(Duration::from_secs(s));
        assert_eq!(delays, [1, 2, 4, 60, 60, 60].map(seconds));
    }

    #[test]
    fn extremes_neither_panic_nor_wait_when_told_not_to() {
        let failure = Failure::Panic(String::new());
        let never = RetryPolicy {
            delay: Duration::ZERO,
            factor: 1e300,
            ..RetryPolicy::default()
        };
        let ever = RetryPolicy {
            delay: Duration::MAX,
            max_delay: Duration::MAX,
            jitter: 0.0,
            ..RetryPolicy::default()
        };
        for attempt in [1, 1_000, u32::MAX] {
            let now = Verdict::RetryAfter(Duration::ZERO);
            assert_eq!(never.decide(attempt, &failure), now);
            let then = Verdict::RetryAfter(A_YEAR);
            assert_eq!(ever.decide(attempt, &failure), then);
        }
    }

    #[test]
    fn jitter_only_shortens() {
        let policy = RetryPolicy {
            jitter: 0.5,
            ..RetryPolicy::default()
        };
        for _ in 0..100 {
            let Verdict::RetryAfter(delay) = policy.decide(1, &Failure::Panic(String::new()));
            assert!((0.5..=1.0).contains(&delay.as_secs_f64()), "{delay:?}");
        }
    }
}
