use kafka_integration::prelude::*;

struct OneArgument;

#[topic(name = "orders")]
impl Topic for OneArgument {
    type Value = String;

    async fn consume(&self, _: Message<Self>) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct OtherMessage;

#[topic(name = "orders")]
impl Topic for OtherMessage {
    type Value = String;

    async fn consume(&self, _: String, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

struct OtherResult;

#[topic(name = "orders")]
impl Topic for OtherResult {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) {}
}

fn main() {}
