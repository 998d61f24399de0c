//! What goes wrong on purpose: see [`Faults`].

mod builder;
mod error;
mod fault;
mod filter;
mod plan;
mod requests;
mod rules;
mod subject;
#[cfg(test)]
mod tests;
mod through;

pub use self::builder::FaultBuilder;
pub use self::error::FaultError;
pub use self::fault::{Fault, Faults};

pub(crate) use self::rules::Rules;
pub(crate) use self::subject::Faultable;
pub(crate) use self::through::through;
