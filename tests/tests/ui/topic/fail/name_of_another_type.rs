use kafka_integration::prelude::*;

struct Orders;

const NAME: u32 = 7;

#[topic(name = NAME)]
impl Topic for Orders {
    type Value = String;
}

fn main() {}
