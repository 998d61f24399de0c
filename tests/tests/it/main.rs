//! Cross-crate tests, in one binary.

mod declarations;
mod runner;
