use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::kafka::{Kafka, MissingState};

/// What a consume hook can ask beside its message.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) kafka: Kafka,
    pub(crate) consumer: Arc<str>,
    pub(crate) ended: CancellationToken,
    pub(crate) attempt: u32,
}

impl Context {
    /// A context made by hand, to call a consume hook without a broker: first
    /// attempt, consumer `test`, never cancelled.
    pub fn for_test(kafka: Kafka) -> Self {
        Self {
            kafka,
            consumer: "test".into(),
            ended: CancellationToken::new(),
            attempt: 1,
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

    /// Which attempt at this message this is, from 1. It counts from 1 again
    /// after a restart or a rebalance.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the message's partition was taken away. What the hook still does
    /// is not committed, and another member may be doing it too.
    pub fn is_cancelled(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Resolves when [`is_cancelled`](Self::is_cancelled) becomes true; for long
    /// work that can be given up.
    pub async fn cancelled(&self) {
        self.ended.cancelled().await;
    }
}
