use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "billing", topics(Orders), ordering = keys)]
struct Near;

#[consumer(group_id = "billing", topics(Orders), ordering = global)]
struct Far;

#[consumer(group_id = "billing", topics(Orders), ordering = "key")]
struct Quoted;

#[consumer(group_id = "billing", topics(Orders), ordering = Ordering::Key)]
struct Path;

#[consumer(group_id = "billing", topics(Orders), ordering = Partition)]
struct Capital;

fn main() {}
