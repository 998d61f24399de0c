//! Offsets of a log: ListOffsets, OffsetForLeaderEpoch, DeleteRecords.

mod delete_records;
mod epochs;
mod list;
