//! A topic's batch hook with its types erased.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use futures_util::FutureExt;

use super::context::Context;
use super::handler::{Handler, decode, panic_text};
use super::partition::Partition;
use super::raw::Work;
use super::turn::Turn;
use crate::message::{Batch, Message, Timestamp, Tried};
use crate::retry::{BatchError, Failure, RetryPolicy};
use crate::topic::{BatchPolicy, Consume, Topic};

/// What is called for a batch.
pub(crate) trait BatchHook: Send + Sync {
    fn policy(&self) -> &BatchPolicy;

    /// Decodes a message and asks when it is due.
    fn read(&self, partition: &Partition, work: &mut Work) -> Result<Content, Failure>;

    /// Handles the contents of messages, in their order.
    fn handle<'a>(
        &'a self,
        messages: Vec<(Decoded, Tried)>,
        cx: &'a Context,
    ) -> Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>>;
}

/// A decoded message, its type erased.
pub(crate) type Decoded = Box<dyn Any + Send>;

pub(crate) struct Content {
    pub(super) message: Decoded,
    pub(super) ready_at: Option<Timestamp>,
}

/// Why a batch is not finished.
pub(crate) enum Fault {
    Error(BatchError),
    Panic(String),
}

pub(crate) struct BatchHandler<T> {
    topic: T,
    policy: BatchPolicy,
}

impl<T: Topic> BatchHandler<T> {
    pub(crate) fn new(topic: T) -> Self {
        Self {
            policy: topic.batch(),
            topic,
        }
    }
}

impl<T: Consume<Batch<T>>> Handler for BatchHandler<T> {
    fn topic_name(&self) -> &str {
        self.topic.name()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn retry(&self) -> Option<RetryPolicy> {
        self.topic.retry()
    }

    fn batches(&self) -> Option<&dyn BatchHook> {
        Some(self)
    }

    fn run<'a>(&'a self, _: &'a mut Turn) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        // Its messages are gathered: they never stand in the lanes of turns.
        Box::pin(async {})
    }
}

impl<T: Consume<Batch<T>>> BatchHook for BatchHandler<T> {
    fn policy(&self) -> &BatchPolicy {
        &self.policy
    }

    fn read(&self, partition: &Partition, work: &mut Work) -> Result<Content, Failure> {
        // As in the single handler: nothing sees again what a panic left half
        // done.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let message = decode(&self.topic, partition, work).map_err(Failure::Decode)?;
            Ok(Content {
                ready_at: self.topic.ready_at(&message),
                message: Box::new(message),
            })
        }));
        read.unwrap_or_else(|panic| Err(Failure::Panic(panic_text(panic.as_ref()))))
    }

    fn handle<'a>(
        &'a self,
        messages: Vec<(Decoded, Tried)>,
        cx: &'a Context,
    ) -> Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>> {
        let (decoded, tried): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        // Each was made by `read` of this same hook.
        let messages: Vec<Message<T>> = decoded
            .into_iter()
            .filter_map(|message| message.downcast().ok().map(|message| *message))
            .collect();
        let batch = Batch::new(messages, tried);
        Box::pin(async move {
            // The hook may panic before it returns its future, too.
            let handled = AssertUnwindSafe(async { self.topic.consume(batch, cx).await });
            match handled.catch_unwind().await {
                Ok(result) => result.map_err(Fault::Error),
                Err(panic) => Err(Fault::Panic(panic_text(panic.as_ref()))),
            }
        })
    }
}
