//! The macros work on what `macro_rules!` writes.
use kafka_integration::prelude::*;

macro_rules! declare {
    ($topic:ident, $consumer:ident, $name:literal, $group:expr, $concurrency:expr) => {
        struct $topic;

        #[topic(name = $name)]
        impl Topic for $topic {
            type Value = String;

            async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
                Ok(())
            }
        }

        #[consumer(group_id = $group, topics($topic), concurrency = $concurrency)]
        struct $consumer;
    };
}

declare!(Orders, OrdersConsumer, "orders", "billing", 2 * 8);

fn main() {
    let spec = OrdersConsumer::spec();
    assert_eq!(spec.concurrency.map(|n| n.get()), Some(16));
    assert_eq!(spec.topics[0].name(), "orders");
}
