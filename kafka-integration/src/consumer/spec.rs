use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::retry::RetryPolicy;
use crate::runner::handler::Handler;
use crate::topic::{Consume, Input};

/// What order a consumer's messages are handled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ordering {
    /// One message of a partition at a time, in order of offset. The default.
    #[default]
    Partition,
    /// One message of a key at a time, in order of offset; different keys of a
    /// partition side by side. Messages without a key have no order.
    Key,
    /// No order: any messages side by side.
    None,
}

impl fmt::Display for Ordering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Partition => "partition",
            Self::Key => "key",
            Self::None => "none",
        })
    }
}

/// A type that declares a consumer; made by
/// [`#[consumer]`](macro@crate::consumer).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a consumer",
    note = "write `#[consumer(group_id = \"…\", topics(…))]` above the struct"
)]
pub trait Consumer {
    /// The declaration as a plain value.
    fn spec() -> ConsumerSpec;
}

/// Where in the source a consumer is declared, for messages that name both
/// places of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The file, as the compiler names it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A topic together with its consume hook, its types erased.
#[derive(Clone)]
pub struct TopicBinding {
    pub(crate) handler: Arc<dyn Handler>,
}

impl TopicBinding {
    /// Binds a topic that has a consume hook.
    pub fn new<T: Consume<I>, I: Input<T>>(topic: T) -> Self {
        I::bind(topic)
    }

    pub(crate) fn of_handler(handler: Arc<dyn Handler>) -> Self {
        Self { handler }
    }

    /// The topic's name or pattern.
    pub fn name(&self) -> &str {
        self.handler.topic_name()
    }

    /// The topic's own retry policy.
    pub fn retry(&self) -> Option<RetryPolicy> {
        self.handler.retry()
    }

    /// The topic's type, for messages.
    pub fn type_name(&self) -> &'static str {
        self.handler.type_name()
    }
}

impl fmt::Debug for TopicBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.type_name())
    }
}

/// Everything a consumer declares. [`#[consumer]`](macro@crate::consumer) makes
/// one; so does a chain of calls:
///
/// ```
/// # use kafka_integration::prelude::*;
/// # struct Orders;
/// # impl Topic for Orders {
/// #     type Key = String;
/// #     type Value = String;
/// #     type Codec = Text;
/// #     fn name(&self) -> &str { "orders" }
/// # }
/// # impl Consume for Orders {
/// #     async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> { Ok(()) }
/// # }
/// let spec = ConsumerSpec::new("BillingConsumer", "billing")
///     .topic(Orders)
///     .config("auto.offset.reset", "earliest")
///     .concurrency(64)
///     .ordering(Ordering::Key);
/// # assert_eq!(spec.name, "BillingConsumer");
/// ```
#[derive(Debug, Clone)]
pub struct ConsumerSpec {
    /// The name, by which `kafka-consume NAME` finds it. Unique in a process.
    pub name: String,
    /// The consumer group.
    pub group_id: String,
    /// The cluster of the settings; `None` is the default one.
    pub cluster: Option<String>,
    /// The topics and their consume hooks.
    pub topics: Vec<TopicBinding>,
    /// Client properties over all settings.
    pub config: Vec<(String, String)>,
    /// How many messages are handled at a time; `None` takes the settings'.
    pub concurrency: Option<NonZeroUsize>,
    /// In what order; `None` takes the settings'.
    pub ordering: Option<Ordering>,
    /// How failed messages are retried; `None` takes the settings'.
    pub retry: Option<RetryPolicy>,
    /// Where it is declared.
    pub location: Location,
}

impl ConsumerSpec {
    /// A consumer of that name and group, without topics yet.
    #[track_caller]
    pub fn new(name: impl Into<String>, group_id: impl Into<String>) -> Self {
        let caller = std::panic::Location::caller();
        Self {
            name: name.into(),
            group_id: group_id.into(),
            cluster: None,
            topics: Vec::new(),
            config: Vec::new(),
            concurrency: None,
            ordering: None,
            retry: None,
            location: Location {
                file: caller.file(),
                line: caller.line(),
            },
        }
    }

    /// Adds a topic.
    #[must_use]
    pub fn topic<T: Consume<I>, I: Input<T>>(mut self, topic: T) -> Self {
        self.topics.push(TopicBinding::new(topic));
        self
    }

    /// Sets a client property, over all settings.
    #[must_use]
    pub fn config(mut self, property: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((property.into(), value.into()));
        self
    }

    /// Names the cluster of the settings.
    #[must_use]
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.cluster = Some(name.into());
        self
    }

    /// How many messages are handled at a time; 0 is taken as 1.
    #[must_use]
    pub fn concurrency(mut self, messages: usize) -> Self {
        self.concurrency = NonZeroUsize::new(messages.max(1));
        self
    }

    /// In what order messages are handled.
    #[must_use]
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.ordering = Some(ordering);
        self
    }

    /// The policy of one of its topics: the nearest of the topic's own, this
    /// consumer's, and that of the settings.
    pub fn policy(&self, topic: &TopicBinding, settings: &RetryPolicy) -> RetryPolicy {
        let own = topic.handler.retry().or_else(|| self.retry.clone());
        own.unwrap_or_else(|| settings.clone())
    }

    /// How failed messages are retried.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Says where the consumer is declared; the macro calls it.
    #[must_use]
    pub fn located(mut self, file: &'static str, line: u32) -> Self {
        self.location = Location { file, line };
        self
    }
}
