use kafka_integration::prelude::*;

struct Orders;

#[topic(name = "orders")]
impl Topic for Orders {
    type Value = String;

    async fn consume(&self, _: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[consumer(
    group_id = "billing",
    topics(Orders),
    config("auto.offset.reset" = "earliest", "auto.offset.reset" = "latest")
)]
struct Twice;

#[consumer(group_id = "billing", topics(Orders), config("group.id" = "invoicing"))]
struct Group;

#[consumer(group_id = "billing", topics(Orders), config("enable.auto.commit" = true))]
struct Commit;

#[consumer(group_id = "billing", topics(Orders), config("enable.auto.offset.store" = true))]
struct Store;

#[consumer(group_id = "billing", topics(Orders), config(auto.offset.reset = "earliest"))]
struct Unquoted;

#[consumer(group_id = "billing", topics(Orders), config("auto.offset.reset"))]
struct NoValue;

#[consumer(group_id = "billing", topics(Orders), config("auto.offset.reset": "earliest"))]
struct Colon;

#[consumer(group_id = "billing", topics(Orders), config("auto.offset.reset" = Orders))]
struct NoText;

fn main() {}
