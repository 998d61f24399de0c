//! Consumer groups.

mod offsets;

pub(crate) use self::offsets::{CommittedOffset, GroupOffsets, Offsets, TopicPartition};
