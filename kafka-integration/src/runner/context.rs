use std::sync::Arc;

use super::lanes::Gathered;
use super::partition::Partition;
use super::raw::Work;

use tokio_util::sync::CancellationToken;

use super::past::Past;
use crate::kafka::{Kafka, MissingState};
use crate::message::Timestamp;
use crate::retry::Original;

/// What a consume hook can ask beside its message.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) kafka: Kafka,
    pub(crate) consumer: Arc<str>,
    /// Of each partition that what is handled comes from.
    pub(crate) ended: Vec<CancellationToken>,
    pub(crate) at: At,
}

/// The message a hook is called for.
#[derive(Debug, Clone)]
pub(crate) struct At {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    timestamp: Option<Timestamp>,
    attempt: u32,
    past: Option<Box<Past>>,
}

impl At {
    /// Between two messages of that partition.
    pub(super) fn of(partition: &Partition) -> Self {
        Self {
            topic: Arc::clone(&partition.topic),
            partition: partition.id,
            offset: -1,
            timestamp: None,
            attempt: 1,
            past: None,
        }
    }
}

impl Context {
    /// A context made by hand, to call a consume hook without a broker: first
    /// attempt, consumer `test`, never cancelled.
    pub fn for_test(kafka: Kafka) -> Self {
        Self {
            kafka,
            consumer: "test".into(),
            ended: Vec::new(),
            at: At {
                topic: "test".into(),
                partition: 0,
                offset: 0,
                timestamp: None,
                attempt: 1,
                past: None,
            },
        }
    }

    /// The application's state of that type.
    ///
    /// # Errors
    /// When none was given to [`Kafka::builder`](crate::Kafka::builder).
    pub fn state<S: Send + Sync + 'static>(&self) -> Result<&S, MissingState> {
        self.kafka.state()
    }

    /// The handle the consumers run under.
    pub fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// The consumer's name.
    pub fn consumer(&self) -> &str {
        &self.consumer
    }

    /// For a batch of these.
    pub(super) fn of_batch(kafka: Kafka, consumer: Arc<str>, batch: &[Gathered]) -> Option<Self> {
        let most = batch.iter().max_by_key(|message| message.work.attempt)?;
        let mut ended: Vec<&Arc<Partition>> = Vec::new();
        for Gathered { partition, .. } in batch {
            if !ended.iter().any(|known| Arc::ptr_eq(known, partition)) {
                ended.push(partition);
            }
        }
        let mut context = Self {
            kafka,
            consumer,
            ended: ended.iter().map(|p| p.ended().clone()).collect(),
            at: At::of(&most.partition),
        };
        context.enter(&most.work);
        context.note_timestamp(most.work.message.timestamp());
        Some(context)
    }

    /// Turns to the next message.
    pub(super) fn enter(&mut self, work: &Work) {
        self.at.offset = work.message.offset();
        self.at.attempt = work.attempt;
        self.at.past.clone_from(&work.past);
    }

    /// The message's time: to ask the client for it once is enough.
    pub(super) fn note_timestamp(&mut self, timestamp: Option<Timestamp>) {
        self.at.timestamp = timestamp;
    }

    /// Which attempt at this message this is, from 1; those before it in retry
    /// topics, and in processes before this one, count.
    ///
    /// Of a batch, this and the following are those of the message that was tried
    /// most often; [`Batch`](crate::message::Batch) tells of each.
    pub fn attempt(&self) -> u32 {
        self.at.attempt
    }

    /// When the first attempt at this message failed; `None` at the first.
    pub fn first_failure(&self) -> Option<Timestamp> {
        self.at.past.as_deref().map(|past| past.first_failure)
    }

    /// Where this message was first consumed: in a retry topic, its coordinates
    /// in the topic it came from; otherwise its own.
    pub fn original(&self) -> Original {
        let at = &self.at;
        let moved = at.past.as_deref().and_then(|past| past.original.clone());
        moved.unwrap_or_else(|| Original {
            topic: at.topic.to_string(),
            partition: at.partition,
            offset: at.offset,
            timestamp: at.timestamp,
        })
    }

    /// Whether the message's partition was taken away; of a batch, those of all
    /// its messages. What the hook still does is not committed, and another member
    /// may be doing it too.
    pub fn is_cancelled(&self) -> bool {
        let mut ended = self.ended.iter();
        !self.ended.is_empty() && ended.all(CancellationToken::is_cancelled)
    }

    /// Resolves when [`is_cancelled`](Self::is_cancelled) becomes true; for long
    /// work that can be given up.
    pub async fn cancelled(&self) {
        if self.ended.is_empty() {
            std::future::pending::<()>().await;
        }
        for ended in &self.ended {
            ended.cancelled().await;
        }
    }
}
