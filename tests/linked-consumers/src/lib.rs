//! A consumer in a library crate: a binary has it in its registry by
//! `use linked_consumers as _;` alone.

use kafka_integration::prelude::*;

/// Text on the topic `linked.letters`.
pub struct Letters;

#[topic(name = "linked.letters", codec = Text)]
impl Topic for Letters {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

/// Reads the letters.
#[consumer(group_id = "linked", topics(Letters))]
pub struct LinkedConsumer;
