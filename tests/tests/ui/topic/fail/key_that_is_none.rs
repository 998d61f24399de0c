use kafka_integration::prelude::*;

struct Customer;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Key = Customer;
    type Value = String;
}

fn main() {}
