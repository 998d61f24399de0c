use kafka_integration::prelude::*;

#[topic(name = "orders")]
struct OnAStruct;

struct Orders;

#[topic(name = "orders")]
impl Orders {
    type Value = String;
}

#[topic(name = "orders")]
impl std::fmt::Display for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("orders")
    }
}

#[topic(name = "orders")]
fn main() {}
