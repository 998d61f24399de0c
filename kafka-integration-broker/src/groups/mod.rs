//! Consumer groups.
//!
//! Each group in use is a task that owns its state ([`group`]); the
//! [`Coordinator`] finds or starts it. What the task decides by is synchronous
//! code that is told the time: [`classic`] for the protocol of JoinGroup and
//! SyncGroup, [`consumer`] for that of ConsumerGroupHeartbeat.

mod classic;
mod command;
mod consumer;
mod coordinator;
mod group;
mod kind;
mod offsets;
mod settings;
mod stored;
mod subscription;

pub(crate) use self::command::{Client, CommitClaim};
pub(crate) use self::consumer::Timing;
pub(crate) use self::coordinator::Coordinator;
pub(crate) use self::offsets::{CommittedOffset, GroupOffsets, Offsets, TopicPartition};
pub(crate) use self::settings::Settings;
