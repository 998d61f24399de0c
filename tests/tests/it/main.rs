//! Cross-crate tests, in one binary.

mod declarations;
mod faults;
mod runner;
mod support;
