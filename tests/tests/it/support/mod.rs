//! What the tests against a broker share.

mod audit;
mod broker;
mod load;
mod log;
mod member;
mod random;
mod scene;
mod wait;

pub(crate) use audit::{Audit, Lane, Ledger};
pub(crate) use broker::KillableBroker;
pub(crate) use load::{Load, RawProducer, event, json, produce, produce_backlog};
pub(crate) use log::{LogReader, Logged, read_log};
pub(crate) use member::Member;
pub(crate) use random::Random;
pub(crate) use scene::Scene;
pub(crate) use wait::{heavy, until};
