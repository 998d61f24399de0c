use kafka_integration::prelude::*;

struct Order;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = Order;
}

fn main() {}
