use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;

use crate::admin::{AdminError, Cluster};
use crate::kafka::{Kafka, KafkaError};
use crate::producer::{Delivery, Outgoing, ProduceError, Receipt, moves};
use crate::settings::ClientKind;
use crate::topic::TopicName;

mod blueprint;
mod error;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use error::{MoveError, NotReady};
use target::Target;

/// Moves messages of one cluster to retry and dead-letter topics, and makes
/// these topics where they are missing.
///
/// A message counts as moved when every replica in sync has it. When that is
/// not known, because no answer came, it is an error and the caller moves the
/// message again: the topic then may hold it twice, as everything that is
/// handled at least once.
///
/// Cheap to clone. Nothing connects before the first use.
#[derive(Clone)]
pub(crate) struct Mover {
    inner: Arc<Inner>,
}

struct Inner {
    kafka: Kafka,
    cluster: Option<String>,
    /// Topics that messages moved to, or are about to; there are no more than
    /// the consumers have names for.
    targets: Mutex<HashMap<TopicName, Preparation>>,
}

/// One look at a topic, however many lanes wait for it; then what it has shown:
/// how many partitions there are.
type Preparation = Shared<BoxFuture<'static, Result<i32, NotReady>>>;

impl Mover {
    /// For that cluster of the settings; `None` is the default one.
    ///
    /// # Errors
    /// When the settings can't be used.
    pub(crate) fn new(kafka: &Kafka, cluster: Option<&str>) -> Result<Self, KafkaError> {
        let settings = kafka.settings().cluster(cluster)?;
        // What is wrong with them shows here and not with the first failure.
        settings.client_config(ClientKind::Producer, &moves::overrides())?;
        Ok(Self {
            inner: Arc::new(Inner {
                kafka: kafka.clone(),
                cluster: cluster.map(str::to_owned),
                targets: Mutex::default(),
            }),
        })
    }

    /// Makes those topics where they are missing, with as many partitions as
    /// their source has. What fails is logged, and done when the first message
    /// needs it; a source that is not there yet is left for then without a word.
    ///
    /// It takes as long as the brokers take to answer; nothing has to wait for
    /// it.
    pub(crate) async fn prepare(&self, source: &str, targets: &[TopicName]) {
        if targets.is_empty() || source.starts_with('^') {
            return;
        }
        let Err(error) = self.try_to_prepare(source, targets).await else {
            return;
        };
        match error {
            AdminError::NoSuchTopic { .. } | AdminError::Stopped => {}
            AdminError::Kafka(KafkaError::ShutDown) => {}
            error => tracing::warn!(
                topic = source,
                "its retry and dead-letter topics are looked up when a message needs them: {error}"
            ),
        }
    }

    async fn try_to_prepare(&self, source: &str, targets: &[TopicName]) -> Result<(), AdminError> {
        let cluster = self.inner.cluster.as_deref();
        let connection = Arc::new(Cluster::connect(&self.inner.kafka, cluster).await?);
        connection.topic(source).await?;
        for target in targets {
            let preparation = self.preparation(target, source, Some(&connection));
            if let Err(error) = self.outcome(target, &preparation).await
                && !error.is_client_gone()
            {
                tracing::warn!("{error}");
            }
        }
        Ok(())
    }

    /// Queues a message of `source` for `target`, which is made when it is
    /// missing and may be. Messages that are queued one after another stand in
    /// the target in that order.
    ///
    /// `record.partition` is the message's partition in its source. It keeps
    /// that number if the target has as many; else its key chooses. No
    /// [`Suppression`](crate::producer::Suppression) counts here, for the
    /// message would be lost.
    ///
    /// # Errors
    /// When the target is not there, or the client does not take the message.
    /// Trying again is right after each of them, unless
    /// [the client is gone](MoveError::is_client_gone).
    pub(crate) async fn queue(
        &self,
        target: &TopicName,
        source: &str,
        record: &Outgoing,
    ) -> Result<Queued, MoveError> {
        let preparation = self.preparation(target, source, None);
        let partitions = self.outcome(target, &preparation).await?;
        let fits = record
            .partition
            .is_none_or(|n| (0..partitions).contains(&n));
        let queued = match fits {
            true => self.produce(target, record).await,
            false => {
                let anywhere = Outgoing {
                    partition: None,
                    ..record.clone()
                };
                self.produce(target, &anywhere).await
            }
        };
        match queued {
            Ok(receipt) => Ok(Queued {
                mover: self.clone(),
                target: target.clone(),
                source: source.to_owned(),
                preparation,
                receipt,
            }),
            Err(error) => Err(self.refused(target, source, &preparation, error)),
        }
    }

    async fn produce(
        &self,
        target: &TopicName,
        record: &Outgoing,
    ) -> Result<Receipt, ProduceError> {
        let cluster = self.inner.cluster.as_deref();
        let producer = self.inner.kafka.mover_producer(cluster)?;
        producer.queue_single(target.as_str(), record).await
    }

    fn refused(
        &self,
        target: &TopicName,
        source: &str,
        preparation: &Preparation,
        error: ProduceError,
    ) -> MoveError {
        let error = MoveError::produce(target, source, error);
        if matches!(error, MoveError::Gone { .. }) {
            self.forget(target, preparation);
        }
        error
    }

    /// Queues a message and waits until it is acknowledged.
    #[cfg(test)]
    async fn send(
        &self,
        target: &TopicName,
        source: &str,
        record: &Outgoing,
    ) -> Result<Delivery, MoveError> {
        let queued = self.queue(target, source, record).await?;
        queued.acknowledged().await
    }

    /// The look at that topic, which begins unless it has.
    fn preparation(
        &self,
        target: &TopicName,
        source: &str,
        connection: Option<&Arc<Cluster>>,
    ) -> Preparation {
        match self.inner.targets.lock().entry(target.clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                let target = Target {
                    kafka: self.inner.kafka.clone(),
                    cluster: self.inner.cluster.clone(),
                    name: target.clone(),
                    source: source.to_owned(),
                };
                let connection = connection.cloned();
                let preparation = target.prepare(connection).boxed().shared();
                unknown.insert(preparation).clone()
            }
        }
    }

    /// What it shows. A failure is told to all who wait for it, and forgotten.
    async fn outcome(
        &self,
        target: &TopicName,
        preparation: &Preparation,
    ) -> Result<i32, NotReady> {
        let outcome = preparation.clone().await;
        if outcome.is_err() {
            self.forget(target, preparation);
        }
        outcome
    }

    /// The next message looks again.
    fn forget(&self, target: &TopicName, preparation: &Preparation) {
        let mut targets = self.inner.targets.lock();
        if targets
            .get(target)
            .is_some_and(|known| known.ptr_eq(preparation))
        {
            targets.remove(target);
        }
    }
}

/// A message on its way to its target.
pub(crate) struct Queued {
    mover: Mover,
    target: TopicName,
    source: String,
    preparation: Preparation,
    receipt: Receipt,
}

impl Queued {
    /// Waits until the broker acknowledged the message.
    ///
    /// # Errors
    /// When it did not; see [`Mover::queue`].
    pub(crate) async fn acknowledged(self) -> Result<Delivery, MoveError> {
        let refused = |error| {
            self.mover
                .refused(&self.target, &self.source, &self.preparation, error)
        };
        self.receipt.delivered().await.map_err(refused)
    }
}

impl std::fmt::Debug for Mover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mover")
            .field("cluster", &self.inner.cluster)
            .finish_non_exhaustive()
    }
}
