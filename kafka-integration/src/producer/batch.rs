use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::delivery::Delivery;
use super::error::ProduceError;
use super::failure::printable;
use super::outgoing_pipeline::OutgoingPipeline;
use super::pipeline_error::FailedRecord;
use super::record::{Record, Scratch};
use super::suppress::is_suppressed;
use super::tracker::Tracker;
use crate::Kafka;
use crate::topic::Topic;

/// A batch of records; awaiting it produces them all, made by
/// [`Topic::produce_batch`].
///
/// They are sent without waiting for one another, at most 20,000 at a time, and
/// the result is in the order of the input. This is no transaction: when some
/// fail, the others are in the topic.
#[must_use = "nothing is produced until this is awaited"]
pub struct ProduceBatch<'a, T: Topic> {
    topic: &'a T,
    records: Vec<Record<T>>,
    kafka: Option<Kafka>,
}

/// Why not all records of a batch were delivered.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchError {
    /// The failed records, by number. Not empty.
    pub failed: Vec<FailedRecord>,
    /// Each record's delivery in the order of the input; `None` where it
    /// failed.
    pub delivered: Vec<Option<Delivery>>,
}

impl<'a, T: Topic> ProduceBatch<'a, T> {
    pub(crate) fn new(topic: &'a T, records: Vec<Record<T>>) -> Self {
        Self {
            topic,
            records,
            kafka: None,
        }
    }

    /// Produces with this handle and not with [`Kafka::current`].
    pub fn on(mut self, kafka: &Kafka) -> Self {
        self.kafka = Some(kafka.clone());
        self
    }

    async fn send(self) -> Result<Vec<Delivery>, BatchError> {
        let (topic, count) = (self.topic, self.records.len());
        let name: Arc<str> = topic.name().into();
        if is_suppressed(&name) {
            return Ok(vec![Delivery::suppressed(name); count]);
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut pipeline = match open(self.kafka, topic, count) {
            Ok(pipeline) => pipeline,
            Err(error) => return Err(BatchError::nothing_sent(topic, count, error)),
        };
        let mut failed = Vec::new();
        let mut scratch = Scratch::default();
        for (index, record) in (0..).zip(self.records) {
            let queued = match scratch.encode(topic, record) {
                Ok(()) => pipeline.queue(&name, &scratch.outgoing, index).await,
                Err(error) => Err(error),
            };
            if let Err(error) = queued {
                failed.push(FailedRecord {
                    index,
                    topic: name.to_string(),
                    partition: scratch.outgoing.partition,
                    key: printable(scratch.outgoing.key.as_deref()),
                    error,
                });
            }
        }
        pipeline.drain().await;
        let tally = pipeline.tracker().tally();
        for (index, failure) in tally.failures {
            if failed.iter().all(|record| record.index != index) {
                failed.push(FailedRecord::new(index, failure, pipeline.producer()));
            }
        }
        let places = pipeline.tracker().places();
        let delivery = |(partition, offset)| Delivery {
            topic: name.clone(),
            partition,
            offset,
        };
        if failed.is_empty() {
            return Ok(places.into_iter().map(delivery).collect());
        }
        failed.sort_by_key(|record| record.index);
        Err(BatchError {
            failed,
            delivered: places
                .into_iter()
                // A partition is only known of what was acknowledged.
                .map(|place| (place.0 >= 0).then(|| delivery(place)))
                .collect(),
        })
    }
}

fn open<T: Topic>(
    kafka: Option<Kafka>,
    topic: &T,
    count: usize,
) -> Result<OutgoingPipeline, ProduceError> {
    let kafka = kafka.map_or_else(Kafka::current, Ok)?;
    let producer = kafka.producer(topic.cluster())?;
    // Every failure is kept: there are no more of them than records.
    let tracker = Tracker::new(count, Some(count));
    Ok(OutgoingPipeline::with_tracker(producer, tracker))
}

impl BatchError {
    /// The first record carries the reason, which is that of all.
    fn nothing_sent<T: Topic>(topic: &T, count: usize, error: ProduceError) -> Self {
        Self {
            failed: vec![FailedRecord {
                index: 0,
                topic: topic.name().to_owned(),
                partition: None,
                key: None,
                error,
            }],
            delivered: vec![None; count],
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delivered = self.delivered.iter().flatten().count();
        write!(
            f,
            "{} of {} records were not delivered",
            self.delivered.len() - delivered,
            self.delivered.len(),
        )?;
        if let Some(first) = self.failed.first() {
            write!(f, "; {first}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let first = self.failed.first()?;
        std::error::Error::source(&first.error)
    }
}

impl<'a, T: Topic> IntoFuture for ProduceBatch<'a, T> {
    type Output = Result<Vec<Delivery>, BatchError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
