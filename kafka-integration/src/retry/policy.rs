mod check;

use std::fmt;
use std::time::Duration;

pub use check::RetryPolicyError;
use serde::{Deserialize, Serialize};

use super::{ErrorClass, Failure, Fate};

/// What becomes of a failed message: how often it is tried again, after which
/// delays, and where it waits.
///
/// The n-th delay is `delay × factor^(n-1)`, at most `max_delay`, made up to
/// `jitter` (a share of it) shorter at random so that failed messages don't come
/// back in step.
///
/// ```
/// use std::time::Duration;
/// use kafka_integration::retry::{ErrorClass, RetryPolicy};
///
/// let policy = RetryPolicy {
///     max_retries: Some(5),
///     delay: Duration::from_secs(10),
///     exclude: vec![ErrorClass::of::<std::num::ParseIntError>()],
///     ..RetryPolicy::default()
/// };
/// assert!(!policy.is_blocking());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// How often a message is tried again after its first attempt; `None`
    /// (-1 in settings) is for ever, which is the default.
    pub max_retries: Option<u32>,
    /// The first delay. Default 1 s.
    #[serde(with = "crate::settings::duration")]
    pub delay: Duration,
    /// What each further delay is multiplied by, at least 1. Default 2.
    pub factor: f64,
    /// The longest delay, at least `delay`. Default 60 s; in settings and macros
    /// `delay` if that is longer.
    #[serde(with = "crate::settings::duration")]
    pub max_delay: Duration,
    /// The share of the delay that is random, from 0 to 1. Default 0.1.
    pub jitter: f64,
    /// Only errors of these classes are retried; empty, the default, is all.
    pub include: Vec<ErrorClass>,
    /// Errors of these classes are not retried. Default none.
    pub exclude: Vec<ErrorClass>,
    /// Whether a failed message waits where it is, its partition or key with
    /// it, or moves to a retry topic and lets the others pass. Unless set, it
    /// waits when `max_retries` is for ever, and moves when there is a maximum.
    pub blocking: Option<bool>,
    /// Later messages of a failed message's key wait behind it, and no others
    /// do; see the [module](super). Default false.
    pub preserve_order: bool,
    /// Only every so-manieth failed attempt of a message is logged, and the
    /// last one; at least 1. Default 1.
    pub log_every: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: None,
            delay: Duration::from_secs(1),
            factor: 2.0,
            max_delay: Duration::from_secs(60),
            jitter: 0.1,
            include: Vec::new(),
            exclude: Vec::new(),
            blocking: None,
            preserve_order: false,
            log_every: 1,
        }
    }
}

/// What becomes of a failed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its lane waits, then it is tried again.
    RetryAfter(Duration),
    /// It moves to the retry topic of that level, and is due after this long.
    Move { level: u32, delay: Duration },
    /// It moves to the dead-letter topic.
    DeadLetter(DeadReason),
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeadReason {
    /// The failure is terminal, or its class is not retried.
    Terminal,
    /// The policy's maximum is reached.
    Exhausted,
    /// The bytes are not what the topic declares.
    Undecodable,
}

impl DeadReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Exhausted => "exhausted",
            Self::Undecodable => "undecodable",
        }
    }
}

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// The most retry topics of a topic; later attempts use the last one again.
const MOST_LEVELS: u32 = 16;

/// In short: `3 retries by retry topics`, `for ever where it is`.
impl fmt::Display for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max_retries {
            None => f.write_str("for ever")?,
            Some(0) => return f.write_str("no retries"),
            Some(1) => f.write_str("1 retry")?,
            Some(most) => write!(f, "{most} retries")?,
        }
        f.write_str(match (self.preserve_order, self.is_blocking()) {
            (true, _) => " in order of keys",
            (false, true) => " where it is",
            (false, false) => " by retry topics",
        })
    }
}

impl RetryPolicy {
    /// Tried again at most so often after the first attempt, by retry topics
    /// unless told otherwise.
    pub fn times(max_retries: u32) -> Self {
        Self {
            max_retries: Some(max_retries),
            ..Self::default()
        }
    }

    /// Whether a failed message waits where it is.
    pub fn is_blocking(&self) -> bool {
        self.preserve_order || self.blocking.unwrap_or(self.max_retries.is_none())
    }

    /// How many retry topics each topic has: one for each delay, so that in
    /// each the messages are due in order. 0 when none are used.
    pub fn levels(&self) -> u32 {
        if self.is_blocking() {
            return 0;
        }
        let grows = |level: &u32| self.nominal(*level) > self.nominal(level.saturating_sub(1));
        let distinct = (2..=MOST_LEVELS).take_while(grows).last().unwrap_or(1);
        self.max_retries.map_or(distinct, |most| distinct.min(most))
    }

    /// Decides about a failed message after so many attempts, all of them
    /// counted.
    pub(crate) fn decide(&self, attempts: u32, failure: &Failure) -> Verdict {
        if matches!(failure, Failure::Decode(_)) {
            return Verdict::DeadLetter(DeadReason::Undecodable);
        }
        let fate = failure.fate();
        if fate == Fate::Terminal || !self.retries(failure) {
            return Verdict::DeadLetter(DeadReason::Terminal);
        }
        if self.max_retries.is_some_and(|most| attempts > most) {
            return Verdict::DeadLetter(DeadReason::Exhausted);
        }
        let level = attempts.clamp(1, self.levels().max(1));
        let delay = match fate {
            Fate::RetryAfter(delay) => delay.min(A_YEAR),
            // In the last retry topic all wait alike, however often they fail.
            _ if !self.is_blocking() => self.jittered(self.nominal(level)),
            _ => self.jittered(self.nominal(attempts)),
        };
        match self.is_blocking() {
            true => Verdict::RetryAfter(delay),
            false => Verdict::Move { level, delay },
        }
    }

    /// Whether this failed attempt is to be logged.
    pub(crate) fn logs(&self, attempts: u32) -> bool {
        self.log_every <= 1 || attempts % self.log_every == 1
    }

    fn retries(&self, failure: &Failure) -> bool {
        let (class, error) = (failure.class(), failure.error());
        let contains = |classes: &[ErrorClass]| classes.iter().any(|c| c.contains(class, error));
        (self.include.is_empty() || contains(&self.include)) && !contains(&self.exclude)
    }

    /// The delay after so many attempts, without its jitter.
    fn nominal(&self, attempts: u32) -> Duration {
        if self.delay.is_zero() {
            return Duration::ZERO;
        }
        let exponent = attempts.saturating_sub(1).min(1_000);
        let grown = self.delay.as_secs_f64() * self.factor.max(1.0).powi(exponent as i32);
        // A year is longer than any wait.
        let ceiling = self.max_delay.min(A_YEAR).as_secs_f64();
        Duration::from_secs_f64(grown.min(ceiling).max(0.0))
    }

    fn jittered(&self, delay: Duration) -> Duration {
        let shorter = self.jitter.clamp(0.0, 1.0) * unit_random();
        Duration::from_secs_f64((delay.as_secs_f64() * (1.0 - shorter)).max(0.0))
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
mod tests;
