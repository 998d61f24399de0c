//! Topics as types: the [`Topic`] trait with its produce and serialize hooks,
//! and [`Consume`] with the consume hook.

mod batch;
mod name;

use std::future::Future;
use std::sync::Arc;

pub use batch::BatchPolicy;
pub use name::{TopicName, TopicNameError};

use crate::codec::{Codec, CodecContext, CodecError, Key, Presence};
use crate::consumer::TopicBinding;
use crate::message::{Message, Timestamp};
use crate::producer::{Outgoing, Pipeline, Produce, ProduceBatch, ProduceError, Record};
use crate::retry::{ConsumeError, RetryPolicy};
use crate::runner::Context;
use crate::runner::handler::TypedHandler;

/// A Kafka topic: its name, the types of its keys and values, and the hooks
/// that turn them into bytes.
///
/// Usually written with [`#[topic]`](macro@crate::topic), which fills in the
/// name and the codec and moves an `async fn consume` into [`Consume`].
/// Without the macro:
///
/// ```
/// use kafka_integration::prelude::*;
///
/// struct Greetings;
///
/// impl Topic for Greetings {
///     type Key = String;
///     type Value = String;
///     type Codec = Text;
///
///     fn name(&self) -> &str {
///         "greetings"
///     }
/// }
///
/// impl Consume for Greetings {
///     async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
///         println!("{}", message.value());
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a topic",
    label = "this is not a topic",
    note = "write `#[topic(name = \"…\", codec = Json)] impl Topic for {Self} {{ type Key = …; type Value = …; }}`"
)]
pub trait Topic: Sized + Send + Sync + 'static {
    /// The type of the keys; `()` for a topic without keys.
    type Key: Key;

    /// The type of the values; [`OrTombstone`](crate::codec::OrTombstone)`<V>`
    /// where a value may be null.
    type Value: Send + Sync + 'static;

    /// How values become bytes: [`Json`](crate::codec::Json),
    /// [`Text`](crate::codec::Text), [`Bytes`](crate::codec::Bytes) or an own
    /// [`Codec`].
    type Codec: Codec<Self::Value>;

    /// The topic's name. One that begins with `^` is a regular expression that
    /// subscribes to every topic it matches; producing to such a topic is
    /// refused.
    fn name(&self) -> &str;

    /// The cluster the topic lives on when it is produced to; `None` is the
    /// default cluster of the settings.
    fn cluster(&self) -> Option<&str> {
        None
    }

    /// What becomes of this topic's messages when they fail, whoever consumes
    /// them. `None`, the default, leaves it to the consumer, and then to the
    /// settings.
    fn retry(&self) -> Option<RetryPolicy> {
        None
    }

    /// When this topic's messages go to its consume hook, where that takes
    /// [`Batch`](crate::message::Batch)es; otherwise it is not asked. The default
    /// is [`BatchPolicy::default`]. It is asked once, when the topic is bound to a
    /// consumer.
    fn batch(&self) -> BatchPolicy {
        BatchPolicy::default()
    }

    /// When a message is due, where the consume hook takes
    /// [`Batch`](crate::message::Batch)es; otherwise it is not asked. `None`, the
    /// default, leaves it to the linger of [`batch`](Self::batch).
    ///
    /// A message that is due takes with it whatever else may be handled. One that
    /// is not may go earlier, with others. It is asked once for each message,
    /// after decoding, before it waits; it must not block. A panic fails that
    /// message.
    ///
    /// ```
    /// # use kafka_integration::prelude::*;
    /// # struct Stamps;
    /// # impl Topic for Stamps {
    /// # type Key = ();
    /// # type Value = String;
    /// # type Codec = Text;
    /// # fn name(&self) -> &str { "stamps" }
    /// // Ten seconds after it was created.
    /// fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> {
    ///     let created = message.timestamp()?;
    ///     Some(Timestamp::from_millis(created.as_millis() + 10_000))
    /// }
    /// # }
    /// ```
    fn ready_at(&self, _message: &Message<Self>) -> Option<Timestamp> {
        None
    }

    /// Serialize hook of the key. The default is the key type's own
    /// [`Key::encode`].
    ///
    /// # Errors
    /// When the key can't be encoded; the produce call fails with it.
    fn serialize_key(
        &self,
        key: &Self::Key,
        out: &mut Vec<u8>,
        _context: &CodecContext<'_>,
    ) -> Result<(), CodecError> {
        key.encode(out)
    }

    /// Serialize hook of the value. The default is the topic's codec.
    ///
    /// # Errors
    /// When the value can't be encoded; the produce call fails with it.
    fn serialize_value(
        &self,
        value: &Self::Value,
        out: &mut Vec<u8>,
        context: &CodecContext<'_>,
    ) -> Result<Presence, CodecError> {
        Self::Codec::default().encode(value, out, context)
    }

    /// Deserialize hook of the key. The default is the key type's own
    /// [`Key::decode`].
    ///
    /// # Errors
    /// When the bytes are no such key.
    fn deserialize_key(
        &self,
        bytes: &[u8],
        _context: &CodecContext<'_>,
    ) -> Result<Self::Key, CodecError> {
        Self::Key::decode(bytes)
    }

    /// Deserialize hook of the value; `None` is a tombstone. The default is the
    /// topic's codec.
    ///
    /// # Errors
    /// When the bytes are no such value.
    fn deserialize_value(
        &self,
        payload: Option<&[u8]>,
        context: &CodecContext<'_>,
    ) -> Result<Self::Value, CodecError> {
        Self::Codec::default().decode(payload, context)
    }

    /// Produce hook: sees every record of this topic after it was serialized
    /// and before it is queued. It may add headers, choose the partition, or
    /// refuse.
    ///
    /// # Errors
    /// An error refuses the record: the produce call fails with it.
    fn before_produce(&self, _record: &mut Outgoing) -> Result<(), ProduceError> {
        Ok(())
    }

    /// Starts a record of this topic: `Orders.produce(order).key(id).await?`.
    ///
    /// Nothing happens until it is awaited; see [`Produce`].
    fn produce(&self, value: Self::Value) -> Produce<'_, Self> {
        Produce::new(self, value)
    }

    /// Starts a pipeline of this topic: many records on their way at a time,
    /// within a bound; see [`Pipeline`].
    fn pipeline(&self) -> Pipeline<'_, Self> {
        Pipeline::new(self)
    }

    /// Produces many records at once: `Orders.produce_batch(records).await?`
    /// gives their deliveries in the same order; see [`ProduceBatch`].
    fn produce_batch<R: Into<Record<Self>>>(
        &self,
        records: impl IntoIterator<Item = R>,
    ) -> ProduceBatch<'_, Self> {
        ProduceBatch::new(self, records.into_iter().map(Into::into).collect())
    }
}

/// The consume hook of a [`Topic`]: takes a [`Message`] at a time, or a
/// [`Batch`](crate::message::Batch) of them (`impl Consume<Batch<Self>> for …`).
#[diagnostic::on_unimplemented(
    message = "topic `{Self}` has no consume hook, so no consumer can take it",
    label = "`{Self}` can be produced to, but not consumed",
    note = "add `async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError>` to its `#[topic] impl Topic for {Self}` block"
)]
pub trait Consume<I: Input<Self> = Message<Self>>: Topic {
    /// Handles what it is given. `Ok` means its work is finished and its offset
    /// may be committed; after an error, the topic's
    /// [policy](crate::retry::RetryPolicy) decides.
    ///
    /// # Errors
    /// Any error is retryable unless it says otherwise, so `?` works on
    /// whatever the work returns.
    fn consume(&self, input: I, cx: &Context) -> impl Future<Output = Result<(), I::Error>> + Send;
}

/// What a consume hook may take. Not to be implemented elsewhere.
pub trait Input<T: Topic>: Sized + Send + private::Sealed {
    /// What the hook returns when it fails.
    type Error: Send;

    /// The topic with its consume hook, its types erased.
    #[doc(hidden)]
    fn bind(topic: T) -> TopicBinding
    where
        T: Consume<Self>;
}

impl<T: Topic> Input<T> for Message<T> {
    type Error = ConsumeError;

    fn bind(topic: T) -> TopicBinding
    where
        T: Consume<Self>,
    {
        TopicBinding::of_handler(Arc::new(TypedHandler::new(topic)))
    }
}

mod private {
    pub trait Sealed {}

    impl<T: super::Topic> Sealed for crate::message::Message<T> {}
}
