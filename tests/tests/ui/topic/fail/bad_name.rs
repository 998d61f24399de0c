use kafka_integration::prelude::*;

struct Empty;

#[topic(name = "")]
impl Topic for Empty {
    type Value = String;
}

struct Space;

#[topic(name = "new orders")]
impl Topic for Space {
    type Value = String;
}

struct Pattern;

#[topic(name = "^")]
impl Topic for Pattern {
    type Value = String;
}

struct Dots;

#[topic(name = "..")]
impl Topic for Dots {
    type Value = String;
}

fn main() {}
