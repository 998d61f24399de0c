//! Cross-crate tests, in one binary.

mod bulk;
mod declarations;
mod embedded;
mod faults;
mod policies;
mod runner;
mod support;
