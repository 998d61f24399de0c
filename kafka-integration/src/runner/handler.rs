//! A topic's consume hook with its types erased, a turn at a time.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::FutureExt;

use super::batches::BatchHook;
use super::context::Context;
use super::partition::Partition;
use super::raw::Work;
use super::turn::Turn;
use crate::codec::{CodecContext, CodecError, DecodeError, Field};
use crate::message::Message;
use crate::retry::{Failure, RetryPolicy};
use crate::topic::{Consume, Topic};

/// What the lanes call. One boxed future for each turn, not for each message.
pub(crate) trait Handler: Send + Sync {
    fn topic_name(&self) -> &str;
    fn type_name(&self) -> &'static str;

    /// The topic's own policy.
    fn retry(&self) -> Option<RetryPolicy>;

    /// Its batch hook, when it takes batches.
    fn batches(&self) -> Option<&dyn BatchHook> {
        None
    }

    /// Handles the turn's messages one after another. Not called for a topic
    /// that takes batches.
    fn run<'a>(&'a self, turn: &'a mut Turn) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

pub(crate) struct TypedHandler<T> {
    topic: T,
}

impl<T: Consume> TypedHandler<T> {
    pub(crate) fn new(topic: T) -> Self {
        Self { topic }
    }

    /// Handles messages until the turn has none left.
    async fn work(&self, turn: &mut Turn) {
        let mut cx = turn.context();
        while turn.next().await {
            match self.handle(turn, &mut cx).await {
                Ok(()) => turn.finished(),
                Err(failure) => turn.failed(&failure),
            }
        }
    }

    async fn handle(&self, turn: &mut Turn, cx: &mut Context) -> Result<(), Failure> {
        let Some((partition, work)) = turn.current() else {
            return Ok(());
        };
        cx.enter(work);
        let message = decode(&self.topic, partition, work).map_err(Failure::Decode)?;
        cx.note_timestamp(message.timestamp);
        let mut hook = pin!(self.topic.consume(message, cx));
        let first = std::future::poll_fn(|task| Poll::Ready(hook.as_mut().poll(task))).await;
        let result = match first {
            Poll::Ready(result) => result,
            Poll::Pending => {
                turn.waiting();
                hook.await
            }
        };
        result.map_err(Failure::Handler)
    }
}

impl<T: Consume> Handler for TypedHandler<T> {
    fn topic_name(&self) -> &str {
        self.topic.name()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn retry(&self) -> Option<RetryPolicy> {
        self.topic.retry()
    }

    fn run<'a>(&'a self, turn: &'a mut Turn) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // The hook sees nothing again of what a panic left half done: the
            // message is dropped, and the topic and the context are shared with
            // other handlers anyway. The turn knows which message it was.
            while let Err(panic) = AssertUnwindSafe(self.work(turn)).catch_unwind().await {
                turn.failed(&Failure::Panic(panic_text(panic.as_ref())));
            }
        })
    }
}

pub(super) fn decode<T: Topic>(
    topic: &T,
    partition: &Partition,
    work: &mut Work,
) -> Result<Message<T>, DecodeError> {
    let headers = work.original_headers(&partition.rules);
    let raw = &work.message;
    let offset = raw.offset();
    let error = |field, source: CodecError| DecodeError {
        topic: partition.topic.to_string(),
        partition: partition.id,
        offset,
        field,
        source,
    };
    let context = |field| CodecContext {
        // Schemas are registered under the topic's own name.
        topic: &partition.rules.source,
        field,
        headers: &headers,
    };
    let key = match raw.key() {
        None => None,
        Some(bytes) => Some(
            topic
                .deserialize_key(bytes, &context(Field::Key))
                .map_err(|source| error(Field::Key, source))?,
        ),
    };
    let value = topic
        .deserialize_value(raw.payload(), &context(Field::Value))
        .map_err(|source| error(Field::Value, source))?;
    Ok(Message {
        key,
        value,
        topic: partition.topic.clone(),
        partition: partition.id,
        offset,
        timestamp: raw.timestamp(),
        headers,
    })
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a text".to_owned()
    }
}
