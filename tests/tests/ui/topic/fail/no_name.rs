use kafka_integration::prelude::*;

struct Orders;

#[topic(codec = Json)]
impl Topic for Orders {
    type Value = String;
}

fn main() {}
