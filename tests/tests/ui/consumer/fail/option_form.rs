use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "billing", topics = Orders)]
struct Topics;

#[consumer(group_id = "billing", topics(Orders), concurrency(64))]
struct Concurrency;

#[consumer(group_id, topics(Orders))]
struct Bare;

#[consumer(group_id = 5, topics(Orders))]
struct Number;

#[consumer(group_id = "billing", topics(Orders), name = "")]
struct Name;

#[consumer(group_id = "billing", topics(Orders), register = "no")]
struct Register;

fn main() {}
