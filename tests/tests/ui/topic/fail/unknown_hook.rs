use kafka_integration::prelude::*;
use kafka_integration::producer::Outgoing;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    fn on_produce(&self, _: &mut Outgoing) -> Result<(), ProduceError> {
        Ok(())
    }
}

fn main() {}
