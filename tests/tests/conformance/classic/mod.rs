//! Groups of the classic protocol.

mod admin;
mod expiry;
mod heartbeat;
mod join;
mod leave;
mod offsets;
mod statics;
mod sync;
