use std::sync::Arc;

use tokio::sync::oneshot;

use super::client::Producer;
use super::context::Outcome;
use super::delivery::Delivery;
use super::error::{ProduceError, Written};
use super::outgoing::Outgoing;

impl Producer {
    /// Queues a record to a topic whose name was checked.
    pub(crate) async fn queue_single(
        &self,
        topic: &str,
        record: &Outgoing,
    ) -> Result<Receipt, ProduceError> {
        let (sender, outcome) = oneshot::channel();
        let mut announced = Announced {
            opaque: self.context().add_single(sender),
            producer: Some(self.clone()),
        };
        self.queue(|| self.try_send(topic, record, announced.opaque))
            .await?;
        announced.producer = None;
        Ok(Receipt {
            topic: topic.into(),
            outcome,
            producer: self.clone(),
        })
    }
}

/// Withdraws a single record that never reached the client: refused, or its
/// future dropped while it waited for room.
struct Announced {
    opaque: usize,
    producer: Option<Producer>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        if let Some(producer) = &self.producer {
            producer.context().forget_single(self.opaque);
        }
    }
}

/// A queued record's claim to its acknowledgement.
pub(crate) struct Receipt {
    topic: Arc<str>,
    outcome: oneshot::Receiver<Outcome>,
    // Keeps the client alive meanwhile.
    producer: Producer,
}

impl Receipt {
    pub(crate) async fn delivered(self) -> Result<Delivery, ProduceError> {
        match self.outcome.await {
            Ok(Ok((partition, offset))) => Ok(Delivery {
                topic: self.topic,
                partition,
                offset,
            }),
            Ok(Err(failure)) => Err(self.producer.error_of(failure)),
            // Given up without a report, with the thread that serves them.
            Err(_) if self.producer.has_failed() => Err(ProduceError::Fatal {
                topic: self.topic.to_string(),
                reason: self.producer.context().fatal_reason().to_owned(),
                written: Written::Maybe,
            }),
            // The client never drops a record without a report.
            Err(_) => Err(ProduceError::Abandoned {
                topic: self.topic.to_string(),
                written: Written::Maybe,
            }),
        }
    }
}
