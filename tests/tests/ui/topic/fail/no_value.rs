use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Key = String;
}

fn main() {}
