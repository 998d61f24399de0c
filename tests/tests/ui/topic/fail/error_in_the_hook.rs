use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        let number: u32 = message.value();
        Ok(number)
    }
}

fn main() {}
