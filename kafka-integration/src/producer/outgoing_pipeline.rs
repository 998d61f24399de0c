use std::sync::Arc;

use super::client::{Producer, check_topic};
use super::context::DeliveryContext;
use super::error::ProduceError;
use super::outgoing::Outgoing;
use super::pipeline_error::{PipelineError, Summary, Undelivered};
use super::record::check_partition;
use super::suppress::is_suppressed;
use super::tracker::Tracker;

/// A pipeline's bound unless set: enough to keep a fast cluster busy, about
/// 10 MB of small records.
pub(crate) const DEFAULT_MAX_IN_FLIGHT: usize = 20_000;

/// Many serialized records on their way at a time, to topics declared or not;
/// made by [`Producer::pipeline`].
///
/// Behaves like [`Pipeline`](super::Pipeline), which is this with a topic's
/// serialize hooks in front.
#[must_use = "a pipeline that is not finished tells nobody whether its records arrived"]
pub struct OutgoingPipeline {
    producer: Producer,
    tracker: Arc<Tracker>,
    owner: usize,
    max_in_flight: u64,
    /// Records given to `send`, whatever became of them.
    given: u64,
    /// Records the client has taken.
    sent: u64,
    /// Records known to be done; the true count is never lower.
    done: u64,
    suppressed: u64,
    /// The last topic whose name was checked.
    checked: String,
}

impl OutgoingPipeline {
    pub(crate) fn new(producer: Producer) -> Self {
        Self::with_tracker(producer, Tracker::new(Undelivered::KEPT_FAILURES, None))
    }

    pub(crate) fn with_tracker(producer: Producer, tracker: Tracker) -> Self {
        let tracker = Arc::new(tracker);
        let owner = producer.context().add_tracker(tracker.clone());
        Self {
            producer,
            tracker,
            owner,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT as u64,
            given: 0,
            sent: 0,
            done: 0,
            suppressed: 0,
            checked: String::new(),
        }
    }

    /// Most records queued or on their way at a time; `send` waits while there
    /// are as many. Default 20,000; 0 counts as 1. The client's own queue
    /// (`queue.buffering.max.messages` and `.kbytes`) bounds it as well.
    pub fn max_in_flight(mut self, records: usize) -> Self {
        self.max_in_flight = (records as u64).max(1);
        self
    }

    /// Queues a record; waits only for room.
    ///
    /// # Errors
    /// When this record is refused, or when earlier ones were not delivered.
    pub async fn send(&mut self, topic: &str, record: &Outgoing) -> Result<(), PipelineError> {
        let index = self.given;
        self.given += 1;
        self.check_failures()?;
        if is_suppressed(topic) {
            self.suppressed += 1;
            return Ok(());
        }
        self.queue(topic, record, index)
            .await
            .map_err(|source| PipelineError::Refused { index, source })?;
        Ok(())
    }

    pub(crate) async fn queue(
        &mut self,
        topic: &str,
        record: &Outgoing,
        index: u64,
    ) -> Result<(), ProduceError> {
        if self.checked != topic {
            check_topic(topic)?;
            topic.clone_into(&mut self.checked);
        }
        check_partition(topic, record)?;
        if self.sent - self.done >= self.max_in_flight {
            self.wait_for_room().await;
        }
        let (producer, tracker, sent) = (&self.producer, &self.tracker, self.sent);
        let opaque = DeliveryContext::opaque(self.owner, index);
        producer
            .queue(|| {
                tracker.sending(sent + 1);
                let result = producer.try_send(topic, record, opaque);
                if !matches!(result, Some(Ok(()))) {
                    tracker.sending(sent);
                }
                result
            })
            .await?;
        self.sent += 1;
        Ok(())
    }

    /// Waits while the pipeline is full, and then a little longer: waking up
    /// for every report would cost more than the reports.
    async fn wait_for_room(&mut self) {
        self.done = self.tracker.done();
        if self.sent - self.done >= self.max_in_flight {
            let room = (self.max_in_flight / 4).max(1);
            let target = self.sent - self.max_in_flight + room;
            self.tracker.wait_done(target).await;
            self.done = self.tracker.done();
        }
    }

    pub(crate) fn check_failures(&self) -> Result<(), Undelivered> {
        if self.tracker.has_failed() {
            return Err(self.undelivered());
        }
        Ok(())
    }

    fn undelivered(&self) -> Undelivered {
        Undelivered::of(&self.tracker, &self.producer)
    }

    /// How many records were acknowledged until now.
    pub fn acknowledged(&self) -> u64 {
        self.tracker.acknowledged()
    }

    /// Records queued or on their way now.
    pub fn in_flight(&self) -> u64 {
        self.tracker.in_flight()
    }

    /// Waits until all records are acknowledged.
    ///
    /// # Errors
    /// When some were not delivered; the error tells how many were, for good.
    pub async fn finish(self) -> Result<Summary, Undelivered> {
        self.drain().await;
        self.check_failures()?;
        Ok(Summary {
            acknowledged: self.tracker.acknowledged(),
            suppressed: self.suppressed,
        })
    }

    pub(crate) async fn drain(&self) {
        self.tracker.wait_done(self.sent).await;
    }

    pub(crate) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    pub(crate) fn producer(&self) -> &Producer {
        &self.producer
    }
}

impl Drop for OutgoingPipeline {
    fn drop(&mut self) {
        // What fails from here on is logged with the last report.
        self.producer
            .context()
            .retire_tracker(self.owner, &self.tracker);
    }
}
