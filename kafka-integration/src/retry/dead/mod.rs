//! Dead letters: what is in a dead-letter topic, and the ways out of it.
//!
#![doc = include_str!("../../docs/dead_letters.md")]

mod error;
mod filter;
mod journal;
mod letter;
mod plan;
mod ranges;
mod reader;
mod session;
mod settle;
mod summary;
mod target;
mod topic;
mod watch;
mod writer;

pub use error::DeadLetterError;
pub use filter::Filter;
pub use journal::Action;
pub use letter::DeadLetter;
pub use plan::{Classes, Plan, Planned};
pub use summary::{Done, Found, Outcome, Summary};
pub use topic::{DeadLetters, Redrive};
pub use watch::Watch;
