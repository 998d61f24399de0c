//! Groups of the consumer protocol, KIP-848.

mod assign;
mod convert;
mod fence;
mod join;
mod offsets;
mod statics;
