use kafka_integration::prelude::*;

struct Nothing;

#[topic(name = "nothing", batch())]
impl Topic for Nothing {
    type Value = String;
}

struct Typo;

#[topic(name = "typo", batch(size = 5))]
impl Topic for Typo {
    type Value = String;
}

struct Zero;

#[topic(name = "zero", batch(min = 0))]
impl Topic for Zero {
    type Value = String;
}

struct Less;

#[topic(name = "less", batch(min = 10, max = 5))]
impl Topic for Less {
    type Value = String;
}

struct NoUnit;

#[topic(name = "no-unit", batch(linger = 5))]
impl Topic for NoUnit {
    type Value = String;
}

fn main() {}
