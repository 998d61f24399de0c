use super::error::ProduceError;
use super::outgoing_pipeline::{DEFAULT_MAX_IN_FLIGHT, OutgoingPipeline};
use super::pipeline_error::{PipelineError, Summary};
use super::record::{Record, Scratch};
use super::suppress::is_suppressed;
use crate::Kafka;
use crate::topic::Topic;

/// Many records of a topic on their way at a time, made by
/// [`Topic::pipeline`].
///
/// [`send`](Self::send) waits only for room, so the acknowledgements come in
/// while the next records go out. [`finish`](Self::finish) waits for the rest;
/// only then is everything known to be delivered. A pipeline that is dropped
/// without it still sends what it has taken, and logs what fails.
///
/// ```
/// # use kafka_integration::prelude::*;
/// # struct Greetings;
/// # impl Topic for Greetings {
/// #     type Key = String;
/// #     type Value = String;
/// #     type Codec = Text;
/// #     fn name(&self) -> &str { "greetings" }
/// # }
/// use kafka_integration::producer::PipelineError;
///
/// # async fn example(names: Vec<String>) -> Result<(), PipelineError> {
/// let mut pipeline = Greetings.pipeline();
/// for name in names {
///     let greeting = format!("hello {name}");
///     pipeline.send(Greetings.produce(greeting).key(name)).await?;
/// }
/// let summary = pipeline.finish().await?;
/// println!("{} acknowledged", summary.acknowledged);
/// # Ok(())
/// # }
/// ```
#[must_use = "a pipeline that is not finished tells nobody whether its records arrived"]
pub struct Pipeline<'a, T: Topic> {
    topic: &'a T,
    kafka: Option<Kafka>,
    max_in_flight: usize,
    scratch: Scratch,
    /// Made for the first record that is sent.
    outgoing: Option<OutgoingPipeline>,
    given: u64,
    suppressed: u64,
}

impl<'a, T: Topic> Pipeline<'a, T> {
    pub(crate) fn new(topic: &'a T) -> Self {
        Self {
            topic,
            kafka: None,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            scratch: Scratch::default(),
            outgoing: None,
            given: 0,
            suppressed: 0,
        }
    }

    /// Produces with this handle and not with [`Kafka::current`].
    pub fn on(mut self, kafka: &Kafka) -> Self {
        self.kafka = Some(kafka.clone());
        self
    }

    /// Most records queued or on their way at a time; `send` waits while there
    /// are as many. Default 20,000; 0 counts as 1. The client's own queue
    /// (`queue.buffering.max.messages` and `.kbytes`) bounds it as well.
    pub fn max_in_flight(mut self, records: usize) -> Self {
        self.max_in_flight = records;
        self
    }

    /// Serializes and queues a record; waits only for room.
    ///
    /// # Errors
    /// When this record is refused, or when earlier ones were not delivered.
    pub async fn send(&mut self, record: impl Into<Record<T>>) -> Result<(), PipelineError> {
        let index = self.given;
        self.given += 1;
        if let Some(outgoing) = &self.outgoing {
            outgoing.check_failures()?;
        }
        if is_suppressed(self.topic.name()) {
            self.suppressed += 1;
            return Ok(());
        }
        self.queue(record.into(), index)
            .await
            .map_err(|source| PipelineError::Refused { index, source })
    }

    async fn queue(&mut self, record: Record<T>, index: u64) -> Result<(), ProduceError> {
        let Self {
            topic,
            kafka,
            max_in_flight,
            scratch,
            outgoing,
            ..
        } = self;
        let outgoing = match outgoing {
            Some(outgoing) => outgoing,
            None => {
                let kafka = kafka.clone().map_or_else(Kafka::current, Ok)?;
                let producer = kafka.producer(topic.cluster())?;
                outgoing.insert(producer.pipeline().max_in_flight(*max_in_flight))
            }
        };
        scratch.encode(*topic, record)?;
        outgoing.queue(topic.name(), &scratch.outgoing, index).await
    }

    /// How many records were acknowledged until now.
    pub fn acknowledged(&self) -> u64 {
        self.outgoing
            .as_ref()
            .map_or(0, OutgoingPipeline::acknowledged)
    }

    /// Records queued or on their way now.
    pub fn in_flight(&self) -> u64 {
        self.outgoing
            .as_ref()
            .map_or(0, OutgoingPipeline::in_flight)
    }

    /// Waits until all records are acknowledged.
    ///
    /// # Errors
    /// When some were not delivered; the error tells how many were, for good.
    pub async fn finish(self) -> Result<Summary, PipelineError> {
        let acknowledged = match self.outgoing {
            Some(outgoing) => outgoing.finish().await?.acknowledged,
            None => 0,
        };
        Ok(Summary {
            acknowledged,
            suppressed: self.suppressed,
        })
    }
}
