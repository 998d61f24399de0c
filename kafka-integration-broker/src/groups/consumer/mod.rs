//! The consumer protocol of KIP-848: the broker decides who reads what, and
//! members learn of it with their heartbeats.
//!
//! A group has an *epoch* that goes up with each change of its members, their
//! subscriptions or the topics. For each epoch there is a *target*: what every
//! member shall have in the end. Each member moves towards it on its own
//! ([`reconcile`]), and its *member epoch* tells how far it got.
//!
//! Where this is not Apache Kafka 4.1:
//! - Members of both protocols don't live in one group. Somebody who joins a
//!   group of the other protocol that has members gets the answer that Apache
//!   Kafka gives when `group.consumer.migration.policy` is `disabled`
//!   (GROUP_ID_NOT_FOUND), or INCONSISTENT_GROUP_PROTOCOL from JoinGroup. An
//!   empty group becomes what the first to join it wants.
//! - An expression for topics is matched at once, and again whenever topics
//!   change. Apache Kafka does so on the side, every 10 seconds at most, and
//!   answers the first heartbeat before it has.
//! - Expressions are those of the crate `regex`, which reads nearly all of
//!   RE2's syntax.

mod access;
mod assignor;
mod describe;
mod group;
mod leave;
mod member;
mod partitions;
mod pattern;
mod reconcile;
mod refused;
mod request;
mod serve;
mod stored;
mod subscriptions;
mod timers;
mod topics;

#[cfg(test)]
mod tests;

use self::partitions::Partitions;
use self::request::validate;

pub(crate) use self::group::ConsumerGroup;
pub(crate) use self::refused::Refused;
pub(crate) use self::stored::StoredConsumer;
pub(crate) use self::timers::Timing;
pub(crate) use self::topics::TopicsView;
