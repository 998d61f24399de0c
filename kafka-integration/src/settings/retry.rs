//! The keys of retries and dead letters.

use std::time::Duration;

use super::error::{SettingsError, SettingsProblem};
use super::origins::APPLICATION;
use super::reader::Reader;
use super::{ClusterSettings, duration};
use crate::retry::{ErrorClass, RetryPolicy};
use crate::topic::TopicName;

/// Reads the table `retry`.
pub(crate) fn policy(reader: &mut Reader<'_>, defaults: &RetryPolicy) -> RetryPolicy {
    let values = reader.table("retry");
    let prefix = reader.below("retry");
    let mut reader = Reader::new(&prefix, values, reader.report);
    let mut policy = RetryPolicy {
        max_retries: max_retries(&mut reader).unwrap_or(defaults.max_retries),
        delay: reader
            .duration("delay", Duration::ZERO)
            .unwrap_or(defaults.delay),
        factor: reader
            .float("factor", "a number of at least 1", |factor| factor >= 1.0)
            .unwrap_or(defaults.factor),
        max_delay: defaults.max_delay,
        jitter: reader
            .float("jitter", "a number from 0 to 1", |jitter| {
                (0.0..=1.0).contains(&jitter)
            })
            .unwrap_or(defaults.jitter),
        include: classes(&mut reader, "include").unwrap_or_else(|| defaults.include.clone()),
        exclude: classes(&mut reader, "exclude").unwrap_or_else(|| defaults.exclude.clone()),
        blocking: reader.flag("blocking").or(defaults.blocking),
        preserve_order: reader
            .flag("preserve_order")
            .unwrap_or(defaults.preserve_order),
        log_every: reader
            .whole(
                "log_every",
                "a whole number from 1 to 4294967295",
                |number| u32::try_from(number).ok().filter(|number| *number > 0),
            )
            .unwrap_or(defaults.log_every),
    };
    match reader.duration("max_delay", Duration::ZERO) {
        Some(most) => policy.max_delay = most,
        // A longer delay means itself, not the default ceiling.
        None if policy.delay > policy.max_delay => {
            policy.max_delay = policy.delay;
            let origin = reader.report.origins.get(&format!("{prefix}delay"));
            if let Some(origin) = origin.cloned() {
                let key = format!("{prefix}max_delay");
                reader.report.origins.insert(key, origin);
            }
        }
        None => {}
    }
    // As the macros have it.
    reader.instead("backoff", "`factor`, `max_delay` and `jitter`");
    reader.finish();
    policy
}

/// `None` inside is for ever.
fn max_retries(reader: &mut Reader<'_>) -> Option<Option<u32>> {
    const EXPECTED: &str = "-1 (for ever) or a whole number from 0 to 4294967295";
    reader.whole("max_retries", EXPECTED, |number| match number {
        -1 => Some(None),
        number => u32::try_from(number).ok().map(Some),
    })
}

fn classes(reader: &mut Reader<'_>, key: &'static str) -> Option<Vec<ErrorClass>> {
    const EXPECTED: &str = "a list of names of errors, such as [\"sqlx::Error\", \"Timeout\"]";
    let names = reader.list(key, EXPECTED)?;
    Some(names.into_iter().map(ErrorClass::named).collect())
}

const SUFFIX: &str = "a word of letters, digits, `.`, `_` and `-`";

/// Reads the last word of the names of retry or dead-letter topics.
pub(crate) fn suffix(reader: &mut Reader<'_>, key: &'static str) -> Option<String> {
    reader.text_like(key, SUFFIX, is_suffix)
}

fn is_suffix(word: &str) -> bool {
    !word.is_empty() && TopicName::parse(&format!("a.{word}")).is_ok()
}

const RETRY_SUFFIX: &str = "retry_topic_suffix";
const DEAD_LETTER_SUFFIX: &str = "dead_letter_topic_suffix";

/// Reports what each key may be by itself and all together may not.
pub(crate) fn check(cluster: &ClusterSettings, reader: &mut Reader<'_>) {
    let table = reader.path("retry.");
    let suffixes = [RETRY_SUFFIX, DEAD_LETTER_SUFFIX].map(|key| reader.path(key));
    let mut set = reader.report.origins.keys();
    // What a named cluster takes over was checked where it is set.
    if !set.any(|key| key.starts_with(&table) || suffixes.contains(key)) {
        return;
    }
    for (key, reason) in mistakes(cluster) {
        let mut places = vec![reader.path(&key), key.clone()];
        if key == DEAD_LETTER_SUFFIX {
            // That one may be the default, and contradict what is set.
            places.extend([reader.path(RETRY_SUFFIX), RETRY_SUFFIX.to_owned()]);
        }
        let origins = &reader.report.origins;
        let origin = places.iter().find_map(|place| origins.get(place).cloned());
        reader.report.problems.push(SettingsProblem::Retry {
            key: reader.path(&key),
            origin: origin.unwrap_or_default(),
            reason,
        });
    }
}

impl ClusterSettings {
    /// Refuses what the application set and no file could have.
    pub(crate) fn check_retries(&self) -> Result<(), SettingsError> {
        let problem = |(key, reason): (String, _)| SettingsProblem::Retry {
            key: self.key(&key),
            origin: APPLICATION.to_owned(),
            reason,
        };
        SettingsError::check(mistakes(self).into_iter().map(problem).collect())
    }
}

/// The keys that are wrong, and why.
fn mistakes(cluster: &ClusterSettings) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Err(error) = cluster.retry.check() {
        found.push((format!("retry.{}", error.field), error.reason));
    }
    let retry = &cluster.retry_topic_suffix;
    let dead = &cluster.dead_letter_topic_suffix;
    for (key, word) in [(RETRY_SUFFIX, retry), (DEAD_LETTER_SUFFIX, dead)] {
        if !is_suffix(word) {
            let reason = format!("must be {SUFFIX}, found the text {word:?}");
            found.push((key.to_owned(), reason));
        }
    }
    let beyond = dead.strip_prefix(retry.as_str());
    if beyond.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
        let reason = format!(
            "({dead}) must differ from `{RETRY_SUFFIX}` ({retry}) and not begin with it: \
             dead letters would go to a retry topic"
        );
        found.push((DEAD_LETTER_SUFFIX.to_owned(), reason));
    }
    found
}

/// Keys of the table `retry` and their values as text, for what is in effect.
pub(crate) fn lines(policy: &RetryPolicy) -> Vec<(&'static str, String)> {
    let names = |classes: &[ErrorClass]| {
        let names: Vec<_> = classes.iter().map(ErrorClass::name).collect();
        format!("[{}]", names.join(", "))
    };
    let most = policy.max_retries.map_or(-1, i64::from);
    let mut lines = vec![
        ("max_retries", most.to_string()),
        ("delay", duration::format(policy.delay)),
        ("factor", policy.factor.to_string()),
        ("max_delay", duration::format(policy.max_delay)),
        ("jitter", policy.jitter.to_string()),
        ("include", names(&policy.include)),
        ("exclude", names(&policy.exclude)),
    ];
    // Unset, it depends on `max_retries`.
    lines.extend(policy.blocking.map(|on| ("blocking", on.to_string())));
    lines.push(("preserve_order", policy.preserve_order.to_string()));
    lines.push(("log_every", policy.log_every.to_string()));
    lines
}
