//! Where dead letters go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::DeadLetter;
use crate::admin::{AdminError, Cluster, ConfigEntry};
use crate::message::Timestamp;
use crate::producer::Outgoing;

/// How long Kafka keeps messages unless told otherwise. It is taken where the
/// brokers don't say, too.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is deleted within this, or within a tenth of the retention, counts as
/// deleted at once: its consumers need time to get it.
const MARGIN: Duration = Duration::from_secs(3600);

/// A topic that dead letters go to.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    pub(super) name: String,
    partitions: usize,
    /// What was written before gets the present time.
    oldest: Option<Timestamp>,
    /// Why it can't be used.
    pub(super) problem: Option<String>,
}

/// Where one dead letter goes.
pub(super) enum Destination<'a> {
    Topic(&'a Target),
    /// It doesn't say where it came from.
    Nowhere,
}

impl Target {
    pub(super) fn is_too_old(&self, letter: &DeadLetter) -> bool {
        let written = letter.original_time();
        match (written, self.oldest) {
            (Some(written), Some(oldest)) => written < oldest,
            _ => false,
        }
    }

    /// The record to produce: the original message again.
    pub(super) fn record(&self, letter: DeadLetter) -> Outgoing {
        let timestamp = match self.is_too_old(&letter) {
            true => Some(Timestamp::now()),
            false => letter.original_time(),
        };
        let original = letter.trail.map(|trail| trail.original);
        let partition = original
            .filter(|original| original.topic == self.name)
            .map(|original| original.partition)
            .filter(|partition| usize::try_from(*partition).is_ok_and(|it| it < self.partitions));
        Outgoing {
            key: letter.key,
            payload: letter.value,
            headers: letter.headers,
            partition,
            timestamp,
        }
    }
}

/// Targets, each looked up when it is first needed.
pub(super) struct Targets {
    cluster: Arc<Cluster>,
    runtime: tokio::runtime::Handle,
    /// The dead letters' own topic.
    source: String,
    /// For all of them.
    to: Option<String>,
    known: BTreeMap<String, Target>,
}

impl Targets {
    pub(super) fn new(
        cluster: Arc<Cluster>,
        runtime: tokio::runtime::Handle,
        source: &str,
        to: Option<String>,
    ) -> Self {
        Self {
            cluster,
            runtime,
            source: source.to_owned(),
            to,
            known: BTreeMap::new(),
        }
    }

    /// Where a dead letter goes. It blocks.
    ///
    /// # Errors
    /// When no broker answers.
    pub(super) fn of(&mut self, letter: &DeadLetter) -> Result<Destination<'_>, AdminError> {
        let original = letter.trail.as_ref().map(|trail| &trail.original.topic);
        let Some(name) = self.to.as_ref().or(original) else {
            return Ok(Destination::Nowhere);
        };
        if !self.known.contains_key(name) {
            let looked_up = look_up(&self.cluster, name, &self.source);
            let target = self.runtime.block_on(looked_up)?;
            self.known.insert(name.clone(), target);
        }
        Ok(match self.known.get(name) {
            Some(target) => Destination::Topic(target),
            None => Destination::Nowhere,
        })
    }
}

async fn look_up(cluster: &Cluster, name: &str, source: &str) -> Result<Target, AdminError> {
    let target = Target {
        name: name.to_owned(),
        ..Target::default()
    };
    let unusable = |problem: String| Target {
        problem: Some(problem),
        ..target.clone()
    };
    if name == source || super::journal::is_journal(name) {
        let problem = "dead letters don't go there; choose another topic";
        return Ok(unusable(problem.to_owned()));
    }
    let about = match cluster.describe(name).await {
        Ok(about) => about,
        Err(error @ (AdminError::NoSuchTopic { .. } | AdminError::Refused { .. })) => {
            return Ok(unusable(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    Ok(Target {
        partitions: about.partitions.len(),
        oldest: oldest(about.config.as_deref(), Timestamp::now()),
        ..target
    })
}

/// What a topic still takes: written later than this, it is neither refused nor
/// deleted at once.
fn oldest(config: Option<&[ConfigEntry]>, now: Timestamp) -> Option<Timestamp> {
    let value = |name: &str| {
        let entries = config.unwrap_or_default();
        let entry = entries.iter().find(|entry| entry.name == name);
        entry.and_then(|entry| entry.value.as_deref())
    };
    let millis = |name: &str| value(name).and_then(|value| value.parse::<i64>().ok());
    let deletes = value("cleanup.policy").is_none_or(|policy| policy.contains("delete"));
    let retention = deletes
        .then(|| millis("retention.ms").unwrap_or_else(|| as_millis(RETENTION)))
        .filter(|retention| *retention >= 0);
    // The second is what Kafka called it before 3.6.
    let refused = millis("message.timestamp.before.max.ms")
        .or_else(|| millis("message.timestamp.difference.max.ms"));
    let longest = retention.into_iter().chain(refused).min()?;
    let margin = as_millis(MARGIN).min(longest / 10);
    let oldest = now.as_millis().saturating_sub(longest - margin);
    Some(Timestamp::from_millis(oldest))
}

fn as_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn config(entries: &[(&str, &str)]) -> Vec<ConfigEntry> {
        let entries = entries.iter().map(|(name, value)| ConfigEntry {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        });
        entries.collect()
    }

    #[test]
    fn what_a_topic_would_delete_at_once_is_too_old() {
        let now = Timestamp::from_millis(1_000 * HOUR);
        let hours_ago = |config: Option<&[ConfigEntry]>| {
            let oldest = oldest(config, now)?;
            Some((now.as_millis() - oldest.as_millis()) / HOUR)
        };
        assert_eq!(hours_ago(None), Some(7 * 24 - 1));
        assert_eq!(hours_ago(Some(&[])), Some(7 * 24 - 1));
        let day = config(&[("retention.ms", "86400000")]);
        assert_eq!(hours_ago(Some(&day)), Some(23));
        let for_ever = config(&[("retention.ms", "-1")]);
        assert_eq!(hours_ago(Some(&for_ever)), None);
        let compacted = config(&[("cleanup.policy", "compact"), ("retention.ms", "1")]);
        assert_eq!(hours_ago(Some(&compacted)), None);
        let refuses = config(&[
            ("retention.ms", "-1"),
            ("message.timestamp.before.max.ms", "36000000"),
        ]);
        assert_eq!(hours_ago(Some(&refuses)), Some(9));
        let both = config(&[("cleanup.policy", "compact,delete")]);
        assert_eq!(hours_ago(Some(&both)), Some(7 * 24 - 1));
    }
}
