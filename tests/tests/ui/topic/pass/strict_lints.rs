//! Expansions raise no warning, whatever the crate forbids.
#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

use kafka_integration::prelude::*;

/// Private, and used by the consumer alone.
struct Orders;

#[topic(name = "orders", codec = Text)]
impl Topic for Orders {
    type Key = String;
    type Value = String;

    async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        let number: u32 = message.value().parse()?;
        println!("{number}");
        Ok(())
    }
}

#[consumer(group_id = "billing", topics(Orders))]
struct BillingConsumer;

fn main() {
    assert_eq!(Registry::linked().consumers().len(), 1);
}
