use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders", codecs = Json)]
impl Topic for Orders {
    type Value = String;
}

struct Payments;

#[topic(name = "payments", retries = 3)]
impl Topic for Payments {
    type Value = String;
}

fn main() {}
