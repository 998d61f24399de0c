use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders", codec = Json, name = "bestellungen")]
impl Topic for Orders {
    type Value = String;
}

fn main() {}
