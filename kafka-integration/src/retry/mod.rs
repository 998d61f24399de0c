//! What happens when a handler fails.
//!
//! For now there is one answer: the message is tried again, with a growing
//! delay, for as long as it takes. It waits by itself: other partitions (or,
//! with key order, other keys) go on.

mod error;
mod policy;

pub use error::ConsumeError;
pub use policy::RetryPolicy;
pub(crate) use policy::{Failure, Verdict};
