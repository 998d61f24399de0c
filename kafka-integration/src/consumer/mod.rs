//! What a consumer declares ([`ConsumerSpec`]), and the [`Registry`] that
//! collects consumers at link time or by hand.

mod registry;
mod spec;

pub use registry::{Registration, Registry, RegistryError, UnknownConsumer};
pub use spec::{Consumer, ConsumerSpec, Location, Ordering, TopicBinding};
