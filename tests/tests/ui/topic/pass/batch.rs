//! A topic may take batches, and say when one goes.
#![deny(warnings)]

use std::time::Duration;

use kafka_integration::prelude::*;
use kafka_integration::topic::BatchPolicy;

struct Stamps {
    most: usize,
}

#[topic(name = "stamps", batch(min = 2, max = self.most, linger = "1m 5s"), retry(max_retries = 3))]
impl Topic for Stamps {
    type Value = String;

    fn ready_at(&self, message: &Message<Self>) -> Option<Timestamp> {
        message.timestamp()
    }

    async fn consume(&self, batch: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        for message in batch.iter() {
            println!("{}", message.value());
        }
        Ok(())
    }
}

struct Defaults;

#[topic(name = "defaults")]
impl Topic for Defaults {
    type Value = String;

    async fn consume(&self, _: kafka_integration::message::Batch<Self>, _: &Context) -> Result<(), BatchError> {
        Ok(())
    }
}

struct Few;

#[topic(name = "few", batch(max = 5))]
impl Topic for Few {
    type Value = String;

    #[cfg(all())]
    async fn consume(&self, _: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        Ok(())
    }

    #[cfg(any())]
    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        no_such_function()
    }
}

struct Many;

#[topic(name = "many", batch(min = 5_000))]
impl Topic for Many {
    type Value = String;

    async fn consume(&self, _: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        Ok(())
    }
}

#[consumer(group_id = "stamps", topics(Stamps { most: 7 }, Defaults, Few, Many))]
struct StampConsumer;

fn main() {
    let policy = BatchPolicy {
        min: 2,
        max: 7,
        linger: Duration::from_secs(65),
    };
    assert_eq!(Stamps { most: 7 }.batch(), policy);
    assert_eq!(Defaults.batch(), BatchPolicy::default());
    assert_eq!((Few.batch().min, Few.batch().max), (5, 5));
    assert_eq!((Many.batch().min, Many.batch().max), (5_000, 5_000));
    assert_eq!(StampConsumer::spec().topics.len(), 4);
    assert_eq!(Registry::linked().validate(), Ok(()));
}
