//! Fetch.

mod committed;
mod limits;
mod sessions;
mod waiting;
