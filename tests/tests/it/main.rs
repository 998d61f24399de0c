//! Cross-crate tests, in one binary.

mod bulk;
mod dead_letters;
mod declarations;
mod embedded;
mod faults;
mod policies;
mod retry;
mod runner;
mod support;
