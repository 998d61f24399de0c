//! What the benchmarks share: the messages, topics filled with them, phases in
//! processes of their own, and tables of what they cost.

pub mod child;
mod order;
mod progress;
mod rusage;
mod samples;
mod topics;

use std::error::Error;

pub use order::Order;
pub use progress::Progress;
pub use rusage::cpu_time;
pub use samples::{Cost, median, report, sorted};
pub use topics::{Message, Topics, tuned_consumer};

/// A benchmark ends at the first thing that goes wrong.
pub type Failure = Box<dyn Error + Send + Sync>;
