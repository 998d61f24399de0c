use std::rc::Rc;

use kafka_integration::prelude::*;

struct Orders;

async fn store(_: &str) {}

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        let shared = Rc::new(message.into_value());
        store(&shared).await;
        Ok(())
    }
}

fn main() {}
