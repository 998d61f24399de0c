use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

fn main() {}
