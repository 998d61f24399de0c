//! Cross-crate tests, in one binary.

mod bulk;
mod declarations;
mod faults;
mod runner;
mod support;
