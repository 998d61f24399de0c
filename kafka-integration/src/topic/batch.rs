use std::sync::Arc;
use std::time::Duration;

use super::{Consume, Input, Topic};
use crate::consumer::TopicBinding;
use crate::message::Batch;
use crate::retry::BatchError;
use crate::runner::batches::BatchHandler;

/// When the messages of a topic that consumes [`Batch`]es go to its hook.
///
/// Messages are gathered across the partitions that this member has. A batch
/// goes when `min` messages that may be handled are there, and takes as many as
/// are there, at most `max`. With fewer it goes once the first of them has waited
/// for `linger`, or is due by [`Topic::ready_at`], which replaces the linger of
/// the messages it gives a time for. What waits is not committed and counts as in
/// flight; when the consumer's `max_in_flight` is used up, what is there goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPolicy {
    /// So many messages go at once. At least 1. Default 100.
    pub min: usize,
    /// The most messages of a batch. At least `min`. Default 1,000.
    pub max: usize,
    /// The longest a message waits for others. Default 1 s.
    pub linger: Duration,
}

impl Default for BatchPolicy {
    fn default() -> Self {
        Self {
            min: 100,
            max: 1_000,
            linger: Duration::from_secs(1),
        }
    }
}

impl BatchPolicy {
    /// What is wrong with it, when something is.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { min, max, .. } = self;
        if *min == 0 {
            return Some("`min` is 0; give at least 1".to_owned());
        }
        (max < min).then(|| {
            format!("`max` ({max}) is below `min` ({min}); raise `max`, 1,000 unless set, or lower `min`")
        })
    }
}

impl<T: Topic> super::private::Sealed for Batch<T> {}

impl<T: Topic> Input<T> for Batch<T> {
    type Error = BatchError;

    fn bind(topic: T) -> TopicBinding
    where
        T: Consume<Self>,
    {
        TopicBinding::of_handler(Arc::new(BatchHandler::new(topic)))
    }
}
