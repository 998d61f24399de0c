//! Cross-crate tests live in `tests/`; here the README's code is compiled.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
