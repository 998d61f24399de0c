use kafka_integration::prelude::*;

struct Nothing;

#[topic(name = "nothing", retry())]
impl Topic for Nothing {
    type Value = String;
}

struct Typo;

#[topic(name = "typo", retry(max_retrys = 5))]
impl Topic for Typo {
    type Value = String;
}

struct Twice;

#[topic(name = "twice", retry(max_retries = 5))]
impl Topic for Twice {
    type Value = String;

    fn retry(&self) -> Option<RetryPolicy> {
        None
    }
}

fn main() {}
