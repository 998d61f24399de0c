//! Attributes of the block and of the hook hold for what is generated.
#![deny(warnings)]

use kafka_integration::prelude::*;

struct Absent;

#[topic(name = "absent")]
#[cfg(any())]
impl Topic for Absent {
    type Value = NoSuchType;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct ProducedOnly;

/// The hook is compiled out, and with it the implementation of `Consume`.
#[topic(name = "produced-only")]
#[allow(unused_variables)]
impl Topic for ProducedOnly {
    type Value = String;

    #[cfg(any())]
    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

impl Consume for ProducedOnly {
    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct Either;

#[topic(name = "either")]
#[allow(unused_variables)]
impl Topic for Either {
    type Value = String;

    #[cfg(any())]
    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        no_such_function()
    }

    #[cfg(not(any()))]
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "none", topics(Absent))]
#[cfg(any())]
struct AbsentConsumer;

#[consumer(group_id = "all", topics(ProducedOnly, Either))]
struct All;

fn main() {
    let _ = Absent;
    assert_eq!(Registry::linked().consumers().len(), 1);
}
