//! Transactions.

mod admin;
mod fencing;
mod init;
mod offsets;
mod older;
mod partitions;
mod second;
