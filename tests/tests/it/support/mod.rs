//! What the tests against a broker share.

mod audit;
mod load;
mod member;
mod scene;
mod wait;

pub(crate) use audit::{Audit, Lane, Ledger};
pub(crate) use load::{Load, event, produce, produce_backlog};
pub(crate) use member::Member;
pub(crate) use scene::Scene;
pub(crate) use wait::{heavy, until};
