//! What a consumer declares ([`ConsumerSpec`]), and the [`Registry`] that
//! collects consumers at link time or by hand.

mod registry;
mod spec;

pub use registry::{Registration, Registry, RegistryError};
pub use spec::{Consumer, ConsumerSpec, Location, Ordering, TopicBinding};
