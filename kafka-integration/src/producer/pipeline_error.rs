use std::fmt;

use super::client::Producer;
use super::error::ProduceError;
use super::failure::Failure;
use super::tracker::Tracker;

/// A pipeline's records that were acknowledged, and those that were suppressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records that the cluster acknowledged.
    pub acknowledged: u64,
    /// Records that were not sent because of a
    /// [`Suppression`](super::Suppression).
    pub suppressed: u64,
}

/// Why a pipeline did not take a record, or did not deliver earlier ones.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The record given to this call was not queued. The others are not
    /// touched, and the pipeline goes on when more is sent.
    #[error("record {index} was not sent: {source}")]
    Refused {
        /// The record's number in the pipeline, from 0.
        index: u64,
        /// Why.
        source: ProduceError,
    },

    /// Records sent earlier were not delivered. A pipeline that failed stays
    /// failed: the record given to this call was not sent, and every later call
    /// ends with the same error.
    #[error(transparent)]
    Failed(#[from] Undelivered),
}

/// Which records of a pipeline were not delivered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undelivered {
    /// Records acknowledged until now; after
    /// [`finish`](super::Pipeline::finish), all that ever will be.
    pub acknowledged: u64,
    /// Records that failed until now.
    pub failed: u64,
    /// The first failures that were reported, at most
    /// [`KEPT_FAILURES`](Self::KEPT_FAILURES), by number. Not empty.
    pub records: Vec<FailedRecord>,
}

/// A record that was not delivered.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedRecord {
    /// Its number in the pipeline or batch, from 0; records that were refused
    /// or suppressed have a number too.
    pub index: u64,
    /// Its topic.
    pub topic: String,
    /// Its partition, once it was chosen.
    pub partition: Option<i32>,
    /// Its key, when that is text; shortened when it is long.
    pub key: Option<String>,
    /// Why.
    pub error: ProduceError,
}

impl Undelivered {
    /// How many failed records a pipeline describes; the others it counts.
    pub const KEPT_FAILURES: usize = 16;

    pub(crate) fn of(tracker: &Tracker, producer: &Producer) -> Self {
        let tally = tracker.tally();
        Self {
            acknowledged: tally.acknowledged,
            failed: tally.failed,
            records: tally
                .failures
                .into_iter()
                .map(|(index, failure)| FailedRecord::new(index, failure, producer))
                .collect(),
        }
    }
}

impl FailedRecord {
    pub(crate) fn new(index: u64, failure: Failure, producer: &Producer) -> Self {
        Self {
            index,
            topic: failure.topic.clone(),
            partition: failure.partition,
            key: failure.key.clone(),
            error: producer.error_of(failure),
        }
    }
}

impl fmt::Display for FailedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}", self.index)?;
        if let Some(key) = &self.key {
            write!(f, " (key {key})")?;
        }
        write!(f, ": {}", self.error)
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of the records sent were not delivered, {} were acknowledged",
            self.failed, self.acknowledged
        )?;
        if let Some(first) = self.records.first() {
            write!(f, "; {first}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Undelivered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let first = self.records.first()?;
        std::error::Error::source(&first.error)
    }
}
