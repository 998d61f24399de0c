//! The one room with `unsafe` code.
