use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(group_id = "billing", topics(Orders), group_id = "invoicing")]
struct Group;

#[consumer(group_id = "billing", topics(Orders), topics(Orders))]
struct Topics;

fn main() {}
