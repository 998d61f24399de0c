//! What an application's `topics.rs` and `consumers.rs` need.

pub use crate::codec::{Bytes, Json, JsonKey, OrTombstone, Text};
pub use crate::consumer::{Consumer, ConsumerSpec, Ordering, Registry};
pub use crate::message::{Batch, Headers, Message, Timestamp};
pub use crate::producer::{Delivery, ProduceError};
pub use crate::retry::{BatchError, BatchFailures, ConsumeError, RetryPolicy, RetryResult};
pub use crate::runner::{Context, Runner};
pub use crate::topic::{BatchPolicy, Consume, Topic};
pub use crate::{Kafka, consumer, topic};
