//! What happens when a handler fails: policies, the errors a handler returns,
//! and the way through retry topics to the dead-letter topic.
//!
#![doc = include_str!("../docs/retry.md")]

mod batch_error;
mod class;
pub mod dead;
mod error;
mod failure;
mod losses;
mod mover;
mod names;
mod policy;
mod trail;

pub(crate) use batch_error::Share;
pub use batch_error::{BatchError, BatchFailures};
pub use class::ErrorClass;
pub(crate) use error::Fate;
pub use error::{ConsumeError, RetryResult};
pub(crate) use failure::Failure;
pub(crate) use losses::losses;
pub(crate) use mover::Mover;
pub use names::TopicNames;
pub(crate) use policy::{DeadReason, Verdict};
pub use policy::{RetryPolicy, RetryPolicyError};
pub use trail::{ErrorInfo, Original, Trail};
