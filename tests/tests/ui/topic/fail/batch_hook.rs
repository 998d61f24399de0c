use kafka_integration::prelude::*;

struct OfMessages;

#[topic(name = "of-messages", batch(min = 2))]
impl Topic for OfMessages {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct ProducedOnly;

#[topic(name = "produced-only", batch(min = 2))]
impl Topic for ProducedOnly {
    type Value = String;
}

struct Both;

#[topic(name = "both")]
impl Topic for Both {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }

    async fn consume(&self, _: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        Ok(())
    }
}

struct Sync;

#[topic(name = "sync")]
impl Topic for Sync {
    type Value = String;

    fn consume(&self, _: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        Ok(())
    }
}

struct Twice;

#[topic(name = "twice", batch(min = 2))]
impl Topic for Twice {
    type Value = String;

    fn batch(&self) -> BatchPolicy {
        BatchPolicy::default()
    }

    async fn consume(&self, _: Batch<Self>, _: &Context) -> Result<(), BatchError> {
        Ok(())
    }
}

fn main() {}
