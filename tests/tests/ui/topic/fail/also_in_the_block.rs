use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders", codec = Json, cluster = "analytics")]
impl Topic for Orders {
    type Value = String;
    type Codec = Text;

    fn name(&self) -> &str {
        "bestellungen"
    }

    fn cluster(&self) -> Option<&str> {
        None
    }
}

fn main() {}
