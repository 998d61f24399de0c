//! The one room with `unsafe` code.

pub(crate) mod producer;
