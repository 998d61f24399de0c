use kafka_integration::prelude::*;

struct Bare;

#[topic("orders")]
impl Topic for Bare {
    type Value = String;
}

struct List;

#[topic(name("orders"))]
impl Topic for List {
    type Value = String;
}

struct Number;

#[topic(name = 5)]
impl Topic for Number {
    type Value = String;
}

struct Quoted;

#[topic(name = "orders", codec = "Json")]
impl Topic for Quoted {
    type Value = String;
}

struct NoCluster;

#[topic(name = "orders", cluster = "")]
impl Topic for NoCluster {
    type Value = String;
}

struct NoComma;

#[topic(name = "orders" codec = Json)]
impl Topic for NoComma {
    type Value = String;
}

fn main() {}
