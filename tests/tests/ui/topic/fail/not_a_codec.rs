use kafka_integration::prelude::*;

struct Protobuf;

struct Orders;

#[topic(name = "orders", codec = Protobuf)]
impl Topic for Orders {
    type Value = String;
}

fn main() {}
